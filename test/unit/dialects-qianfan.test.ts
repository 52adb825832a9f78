// Qianfan: its own text for a missing permission, and the fields of its answers.

import { describe, expect, test } from 'vitest';
import { type Answer, makeDialectApi } from '../support/dialect-api.ts';
import { findTypeMisfits, makeInterfaces } from '../support/vendor-types.ts';

// As the vendor's pages and its SDK for Go have them.
const types = makeInterfaces({
  Accepted: {
    conversation_id: 'string',
    message_id: 'string',
    trace_id: 'string',
    user_id: 'string',
    end_user_id: 'string',
    execute_id: 'string',
  },
  Retrieved: {
    conversation_id: 'string',
    message_id: 'string',
    trace_id: 'string',
    user_id: 'string',
    end_user_id: 'string',
    is_completion: 'string',
    content: 'Array<AsyncContent>',
  },
  AsyncContent: { name: 'string', type: 'string', text: 'AsyncText' },
  AsyncText: { event: 'Array<AsyncEvent>', node_results: 'Array<object>' },
  AsyncEvent: { type: 'string', name: 'string', text: 'object' },
  Component: {
    request_id: 'string',
    code: 'string',
    message: 'string',
    conversation_id: 'string',
    message_id: 'string',
    trace_id: 'string',
    user_id: 'string',
    end_user_id: 'string',
    status: 'string',
    is_completion: 'boolean',
    role: 'string',
    content: 'Array<ComponentContent>',
  },
  ComponentContent: {
    name: 'string',
    visible_scope: 'string',
    raw_data: 'object',
    usage: 'object',
    metrics: 'object',
    type: 'string',
    text: 'object',
    event: 'ComponentEvent',
  },
  ComponentEvent: {
    id: 'string',
    status: 'string',
    name: 'string',
    created_time: 'string',
    error_code: 'string',
    error_message: 'string',
  },
});

const GREET = `
flow: 1
name: greet
nodes: { say: { type: set, with: { values: { text: hello } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;
const RUN = '/v2/tools/workflow/async/run';
const makeQianfan = (flow?: string) => makeDialectApi({ flows: [GREET], dialect: 'qianfan', ...(flow && { flow }) });

test('answers have the fields and types of the documentation', async () => {
  const api = await makeQianfan();
  const accepted = (await api.call({ path: RUN, body: { component: 'greet', parameters: {} } })).json() as Answer;
  expect(findTypeMisfits(types, 'Accepted', accepted)).toEqual([]);
  await api.work();
  const { execute_id } = accepted;
  const retrieved = await api.call({ path: '/v2/tools/workflow/async/retrieve', body: { execute_id } });
  expect(findTypeMisfits(types, 'Retrieved', retrieved.json())).toEqual([]);
  const whole = await api.call({ path: '/v2/components/greet', body: { stream: false, parameters: {} } });
  expect(findTypeMisfits(types, 'Component', whole.json())).toEqual([]);
});

describe('a missing permission has the text of the documentation', () => {
  const denied = { request_id: expect.any(String), code: 'PermissionDeniedError', message: '没有权限' };

  test('where the key is bound to another flow', async () => {
    const api = await makeQianfan('other');
    const { status, json } = await api.call({ path: RUN, body: { component: 'greet', parameters: {} } });
    expect([status, json()]).toEqual([403, denied]);
  });

  test('where asynchronous runs are switched off', async () => {
    const api = await makeQianfan();
    const operator = await api.issue('acme', { scopes: ['operator'] });
    await api.callAs(operator, { method: 'PATCH', path: '/v1/tenants/acme', body: { entitlements: { async: false } } });
    const { status, json } = await api.call({ path: RUN, body: { component: 'greet', parameters: {} } });
    expect([status, json()]).toEqual([403, denied]);
  });

  test('where the flow is disabled', async () => {
    const api = await makeQianfan();
    const owner = await api.issue('acme', { scopes: ['admin'] });
    await api.callAs(owner, { method: 'PATCH', path: '/v1/flows/greet', body: { enabled: false } });
    const { status, json } = await api.call({ path: RUN, body: { component: 'greet', parameters: {} } });
    expect([status, json()]).toEqual([403, denied]);
  });
});
