// Dify's answers and events against the fields and types of the OpenAPI document that it publishes for workflow apps, and the
// two fields that only its first document has (`sequence_number`, `log_id`).

import { describe, expect, test } from 'vitest';
import { HttpFault } from '../../lambdas/core/ports/http.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { type Answer, type DialectApi, makeDialectApi, readData } from '../support/dialect-api.ts';
import { findTypeMisfits, makeInterfaces } from '../support/vendor-types.ts';

const summary = {
  id: 'string',
  workflow_id: 'string',
  status: 'string',
  outputs: 'object | null',
  error: 'string | null',
  elapsed_time: 'number',
  total_tokens: 'number',
  total_steps: 'number',
  created_at: 'number',
  finished_at: 'number | null',
};
const node = {
  id: 'string',
  node_id: 'string',
  node_type: 'string',
  title: 'string',
  index: 'number',
  predecessor_node_id: 'string | null',
  inputs: 'object | null',
  inputs_truncated: 'boolean',
  created_at: 'number',
  extras: 'object',
  iteration_id: 'string | null',
  loop_id: 'string | null',
};
const ended = {
  process_data: 'object | null',
  process_data_truncated: 'boolean',
  outputs: 'object | null',
  outputs_truncated: 'boolean',
  status: 'string',
  error: 'string | null',
  elapsed_time: 'number',
  execution_metadata: 'ExecutionMetadata',
  finished_at: 'number',
  files: 'Array<object>',
};
const round = {
  id: 'string',
  node_id: 'string',
  node_type: 'string',
  title: 'string',
  created_at: 'number',
  extras: 'object',
};
const started = { ...round, inputs: 'object', metadata: 'object' };
const completed = {
  ...round,
  outputs: 'object | null',
  status: 'string',
  error: 'string | null',
  elapsed_time: 'number',
  total_tokens: 'number',
  execution_metadata: 'object',
  finished_at: 'number',
  steps: 'number',
};
const form = {
  form_content: 'string',
  inputs: 'Array<FormField>',
  resolved_default_values: 'object',
  expiration_time: 'number',
};
const stopped = { paused_nodes: 'Array<string>', reasons: 'Array<object>' };

const types = makeInterfaces({
  Blocking: { workflow_run_id: 'string', task_id: 'string', log_id: 'string', data: 'BlockingData' },
  BlockingData: { ...summary, sequence_number: 'number', ...stopped },
  Detail: { ...summary, inputs: 'string' },
  Logs: { page: 'number', limit: 'number', total: 'number', has_more: 'boolean', data: 'Array<Log>' },
  Log: {
    id: 'string',
    workflow_run: 'LogRun',
    created_from: 'string',
    created_by_role: 'string',
    created_by_account: 'object | null',
    created_by_end_user: 'LogUser',
    created_at: 'number',
    details: 'object | null',
  },
  LogRun: {
    id: 'string',
    version: 'string',
    status: 'string',
    error: 'string | null',
    elapsed_time: 'number',
    total_tokens: 'number',
    total_steps: 'number',
    created_at: 'number',
    finished_at: 'number | null',
    exceptions_count: 'number',
    triggered_from: 'string',
  },
  LogUser: { id: 'string', type: 'string', is_anonymous: 'boolean', session_id: 'string' },
  ExecutionMetadata: { total_tokens: 'number', total_price: 'number', currency: 'string' },
  FormField: { type: 'string', output_variable_name: 'string', default: 'object | null', required: 'boolean' },
  Form: { ...form, user_actions: 'Array<Action>' },
  Action: { id: 'string', title: 'string', button_style: 'string' },
  workflow_started: {
    id: 'string',
    workflow_id: 'string',
    sequence_number: 'number',
    inputs: 'object',
    created_at: 'number',
    reason: 'string',
  },
  node_started: { ...node, agent_strategy: 'object | null' },
  node_finished: { ...node, ...ended },
  node_retry: { ...node, ...ended, retry_index: 'number' },
  iteration_started: started,
  iteration_next: { ...round, index: 'number' },
  iteration_completed: completed,
  loop_started: started,
  loop_next: { ...round, index: 'number', pre_loop_output: 'object' },
  loop_completed: completed,
  human_input_required: {
    ...form,
    form_id: 'string',
    node_id: 'string',
    node_title: 'string',
    actions: 'Array<Action>',
    display_in_ui: 'boolean',
    form_token: 'string',
  },
  human_input_form_timeout: { node_id: 'string', node_title: 'string', expiration_time: 'number' },
  workflow_paused: {
    workflow_run_id: 'string',
    outputs: 'object',
    status: 'string',
    created_at: 'number',
    elapsed_time: 'number',
    total_tokens: 'number',
    total_steps: 'number',
    ...stopped,
  },
  workflow_finished: {
    ...summary,
    sequence_number: 'number',
    created_by: 'object',
    exceptions_count: 'number',
    files: 'Array<object>',
  },
});

const EVERYTHING = `
flow: 1
name: everything
inputs: { name: { type: string, default: Ada } }
nodes:
  call:
    type: http
    retry: { max: 1, delay: 10ms, jitter: false }
    onError: { output: { body: nothing } }
    with: { url: "https://example.com/" }
  items: { type: set, each: { in: "[1, 2]", concurrency: 1 }, with: { values: { n: "\${{ $item }}" } } }
  circle:
    type: group
    repeat: { vars: { n: 1 }, next: { n: "\${{ $vars.n + 1 }}" }, until: $result.n >= 2, max: 5 }
    with:
      nodes: { step: { type: set, with: { values: { n: "\${{ $vars.n }}" } } } }
      output: { n: "\${{ $nodes.step.n }}" }
  hurry: { type: approval, timeout: 1s, onError: continue, with: { message: "Now?" } }
  review:
    type: approval
    needs: [call, items, circle]
    join: settled
    timeout: 1h
    with:
      message: Publish?
      form: { reason: { type: text, required: true }, name: { type: string, default: Ada } }
outputs: { action: "\${{ $nodes.review.action }}" }
`;
const GREET = `
flow: 1
name: greet
nodes: { say: { type: set, with: { values: { text: hello } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

const http = {
  check: () => undefined,
  send: () => Promise.reject(new HttpFault('connect', 'Nobody is there')),
} as unknown as Ports['http'];
const makeDify = (flow: string) => makeDialectApi({ flows: [EVERYTHING, GREET], dialect: 'dify', flow }, { http });
const read = async (api: DialectApi, path: string) => (await api.call({ path })).json() as Answer;

test('answers have the fields and types of the document', async () => {
  const api = await makeDify('greet');
  const blocking = await api.call({ path: '/v1/workflows/run', body: { inputs: {}, user: 'u' } });
  expect(findTypeMisfits(types, 'Blocking', blocking.json(), { mayMiss: true })).toEqual([]);
  const { workflow_run_id: id } = blocking.json() as Answer;
  expect(findTypeMisfits(types, 'Detail', await read(api, `/v1/workflows/run/${id}`))).toEqual([]);
  expect(findTypeMisfits(types, 'Logs', await read(api, '/v1/workflows/logs'))).toEqual([]);
});

describe('a stream', () => {
  test('has every event in the form of the document', async () => {
    const api = await makeDify('everything');
    const body = { inputs: {}, user: 'u', response_mode: 'streaming' };
    const events = readData((await api.call({ path: '/v1/workflows/run', body })).text);
    const misfits = events.flatMap(({ event, data }) => findTypeMisfits(types, event, data, { mayMiss: true }));
    expect(misfits).toEqual([]);
    const kinds = new Set(events.map(({ event }) => event));
    for (const kind of ['node_retry', 'iteration_next', 'loop_next', 'human_input_required', 'workflow_paused']) {
      expect(kinds).toContain(kind);
    }
    const { form_token } = events.find(
      ({ event, data }) => event === 'human_input_required' && data.node_id === 'review',
    ).data;
    const fetched = await read(api, `/v1/form/human_input/${form_token}`);
    expect(findTypeMisfits(types, 'Form', fetched, { mayMiss: true })).toEqual([]);
    expect(fetched.inputs).toEqual([
      { type: 'paragraph', output_variable_name: 'reason', default: null, required: true },
      { type: 'text_input', output_variable_name: 'name', default: { type: 'constant', selector: [], value: 'Ada' } },
    ]);
  });
});
