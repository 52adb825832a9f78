// Dify: values as its forms send them, the events of iterations and forms, following a run again, and its envelope everywhere.

import { describe, expect, test } from 'vitest';
import { type Answer, type DialectApi, makeDialectApi, readData } from '../support/dialect-api.ts';

const FORM = `
flow: 1
name: form
inputs:
  count: { type: integer, default: 7 }
  price: { type: number }
  agreed: { type: boolean }
  colour: { type: enum, options: [red, blue] }
  note: { type: text, maxLength: 5 }
  options: { type: object }
  list: { type: array }
  report: { type: file }
  name: { type: string, required: true }
nodes: { say: { type: set, with: { values: { all: "\${{ $inputs }}" } } } }
outputs: { all: { type: object, value: "\${{ $nodes.say.all }}" } }
`;
const ROUNDS = `
flow: 1
name: rounds
nodes:
  around:
    type: group
    with:
      nodes:
        double:
          type: group
          each: { in: "[1, 2]", concurrency: 1 }
          with:
            nodes: { inner: { type: set, with: { values: { n: "\${{ $item * 2 }}" } } } }
            output: { n: "\${{ $nodes.inner.n }}" }
      output: { list: "\${{ $nodes.double }}" }
outputs: { list: { type: array, value: "\${{ $nodes.around.list }}" } }
`;
const DECIDE = `
flow: 1
name: decide
nodes:
  begin: { type: set, with: { values: { n: 1 } } }
  review:
    type: approval
    title: Review
    needs: begin
    timeout: 1h
    with:
      message: Publish?
      form: { reason: { type: string, required: true } }
      actions: [{ id: yes_do, title: "Yes" }, { id: no_way, title: "No" }]
outputs: { action: "\${{ $nodes.review.action }}" }
`;
const HURRY = `
flow: 1
name: hurry
nodes:
  review: { type: approval, title: Review, timeout: 1s, with: { message: "Now?", actions: [{ id: yes_do }] } }
  late: { type: set, needs: review:timeout, with: { values: { text: too late } } }
outputs: { text: "\${{ $nodes.late.text }}" }
`;

const makeDify = (flow: string) => makeDialectApi({ flows: [FORM, ROUNDS, DECIDE, HURRY], dialect: 'dify', flow });

const RUN = '/v1/workflows/run';
const runForm = async (inputs: object) => {
  const api = await makeDify('form');
  const { status, json } = await api.call({ path: RUN, body: { inputs: { name: 'Ada', ...inputs }, user: 'u' } });
  return { status, body: json() as Answer };
};
const streamRun = async (api: DialectApi) => {
  const { text } = await api.call({ path: RUN, body: { inputs: {}, user: 'u', response_mode: 'streaming' } });
  return readData(text);
};
const listNames = (events: Answer[]) => events.map(({ event }) => event);

describe('values are taken as Dify takes them', () => {
  test.each([
    ['a number as a text', { count: '3', price: '2.5' }, { count: 3, price: 2.5 }],
    ['an empty text as no number', { count: '', price: ' ' }, { count: 7 }],
    ['true and false as texts', { agreed: 'true' }, { agreed: true }],
    ['false as a text', { agreed: 'False' }, { agreed: false }],
    ['an empty text as no choice', { agreed: '', colour: '' }, {}],
    ['an empty text as a text', { note: '' }, { note: '' }],
    [
      'an object as JSON in a text',
      { options: '{"deep": [1]}', list: '[1, 2]' },
      { options: { deep: [1] }, list: [1, 2] },
    ],
    ['an empty text as no object and no file', { options: '', report: '' }, {}],
    ['nothing as nothing', { price: null, note: null }, {}],
  ])('%s', async (_, inputs, expected) => {
    const { status, body } = await runForm(inputs);
    expect([status, body.data.outputs.all]).toEqual([200, { count: 7, name: 'Ada', ...expected }]);
  });

  test.each([
    ['a text that is no number', { count: 'many' }, 'count in input form must be a valid number'],
    ['an object for a text', { note: {} }, "(type 'paragraph') note in input form must be a string"],
    [
      'a choice that there is not',
      { colour: 'green' },
      "colour in input form must be one of the following: ['red', 'blue']",
    ],
    ['a text that is too long', { note: 'too long' }, 'note in input form must be less than 5 characters'],
    ['a required field without a value', { name: null }, 'name is required in input form'],
  ])('and refuses %s in its words', async (_, inputs, message) => {
    expect(await runForm(inputs)).toEqual({ status: 400, body: { code: 'invalid_param', message, status: 400 } });
  });
});

test('a blocking answer has its sequence number, the same as in a stream', async () => {
  const { body } = await runForm({});
  expect(Object.keys(body.data)).toContain('sequence_number');
  expect(body.data.sequence_number).toBeGreaterThan(0);
});

describe('an iteration', () => {
  test('begins its first round, completes with its outputs, and groups without rounds are no loops', async () => {
    const events = await streamRun(await makeDify('rounds'));
    expect(listNames(events)).toEqual([
      'workflow_started',
      'iteration_started',
      'iteration_next',
      'node_started',
      'node_finished',
      'iteration_next',
      'node_started',
      'node_finished',
      'iteration_completed',
      'workflow_finished',
    ]);
    expect(events.filter(({ event }) => event === 'iteration_next').map(({ data }) => data.index)).toEqual([0, 1]);
    const completed = events.find(({ event }) => event === 'iteration_completed').data;
    expect([completed.outputs, completed.steps]).toEqual([{ output: [{ n: 2 }, { n: 4 }] }, 2]);
  });

  test('is the same for who follows the run again', async () => {
    const api = await makeDify('rounds');
    const events = await streamRun(api);
    const again = await replayAsIfRunning(api, events[0].workflow_run_id);
    expect(listNames(again).slice(0, events.length - 1)).toEqual(listNames(events).slice(0, -1));
  });
});

/** The events that a run which has not ended would show. */
async function replayAsIfRunning(api: DialectApi, id: string): Promise<Answer[]> {
  const get = api.ports.runs.get;
  let isFirst = true;
  api.ports.runs.get = async (runId) => {
    const run = await get(runId);
    const isEarly = isFirst && run;
    isFirst = false;
    return isEarly ? { ...run, status: 'running' } : run;
  };
  const { text } = await api.call({ path: `/v1/workflow/${id}/events?user=u` });
  api.ports.runs.get = get;
  return readData(text);
}

describe('a form', () => {
  const follow = (api: DialectApi, id: string, query = '') =>
    api.call({ path: `/v1/workflow/${id}/events?user=u${query}` }).then(({ text }) => readData(text));
  const submit = (api: DialectApi, token: string) =>
    api.call({
      path: `/v1/form/human_input/${token}`,
      body: { inputs: { reason: 'Good' }, action: 'yes_do', user: 'u' },
    });
  test('stops at the form, for who follows it again as well, and nothing comes after that', async () => {
    const api = await makeDify('decide');
    const events = await streamRun(api);
    expect(listNames(events).slice(-3)).toEqual(['node_started', 'human_input_required', 'workflow_paused']);
    const again = await follow(api, events[0].workflow_run_id);
    expect(listNames(again)).toEqual(listNames(events));
  });

  test('that was submitted is shown before the end of its node; a stream that continues says that it resumes', async () => {
    const api = await makeDify('decide');
    const events = await streamRun(api);
    const id = events[0].workflow_run_id;
    const following = follow(api, id, '&continue_on_pause=true');
    await expect.poll(async () => (await api.ports.runs.get(id))?.status).toBe('waiting');
    await new Promise((done) => setTimeout(done, 50));
    await submit(api, events.at(-2).data.form_token);
    await api.resume(id);
    const all = await following;
    expect(listNames(all).slice(listNames(events).length)).toEqual([
      'workflow_started',
      'human_input_form_filled',
      'node_finished',
      'workflow_finished',
    ]);
    const resumed = all.filter(({ event }) => event === 'workflow_started').map(({ data }) => data.reason);
    expect(resumed).toEqual(['initial', 'resumption']);
    expect(all.find(({ event }) => event === 'human_input_form_filled').data).toEqual({
      node_id: 'review',
      node_title: 'Review',
      rendered_content: 'Publish?',
      action_id: 'yes_do',
      action_text: 'Yes',
      submitted_data: { reason: 'Good' },
    });
  });

  test('that nobody submitted in time says so', async () => {
    const events = await streamRun(await makeDify('hurry'));
    const timeout = events.find(({ event }) => event === 'human_input_form_timeout');
    expect(timeout.data).toEqual({ node_id: 'review', node_title: 'Review', expiration_time: expect.any(Number) });
  });

  test('without a snapshot, only what is new is sent', async () => {
    const api = await makeDify('decide');
    const [{ workflow_run_id: id }, ...events] = await streamRun(api);
    await submit(api, events.at(-2).data.form_token);
    const following = follow(api, id, '&include_state_snapshot=false');
    await new Promise((done) => setTimeout(done, 50));
    await api.resume(id);
    expect(listNames(await following)).not.toContain('human_input_required');
    expect(listNames(await following).at(-1)).toBe('workflow_finished');
  });
});

describe('its envelope', () => {
  test.each([
    ['GET', '/v1/nothing', 404, 'not_found'],
    ['POST', '/v1/chat-messages', 404, 'not_found'],
    ['GET', RUN, 405, 'method_not_allowed'],
    ['GET', '/v1/files/upload', 405, 'method_not_allowed'],
    ['GET', '/v1/workflows/x/stop', 405, 'method_not_allowed'],
  ])('is kept at %s %s', async (method, path, status, code) => {
    const api = await makeDify('form');
    const body = method === 'POST' ? { body: {} } : {};
    const answer = await api.call({ method, path, ...body });
    expect([answer.status, answer.json()]).toEqual([status, { code, message: expect.any(String), status }]);
  });

  test('is not forced on others', async () => {
    const api = await makeDify('form');
    const native = await api.issue('acme', {});
    expect((await api.callAs(native, { path: '/v1/nothing' })).json()).toHaveProperty('error.code', 'not-found');
  });
});

describe('the app', () => {
  test('says which size of a file holds', async () => {
    const api = await makeDify('form');
    const { system_parameters: limits } = (await api.call({ path: '/v1/parameters' })).json() as Answer;
    expect(limits).toMatchObject({
      image_file_size_limit: '4',
      audio_file_size_limit: 4,
      video_file_size_limit: 4,
      file_size_limit: 4,
    });
    const body = Buffer.alloc(4.2 * 1_024 * 1_024);
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    const { status, json } = await api.call({ path: '/v1/files/upload', headers, body });
    expect([status, json()]).toMatchObject([413, { code: 'file_too_large', status: 413 }]);
  });

  test('greets with and without a slash', async () => {
    const api = await makeDify('form');
    for (const path of ['/v1/', '/v1']) expect((await api.call({ path })).json()).toMatchObject({ api_version: 'v1' });
  });

  test.each([
    ['after=2020-01-01', 1],
    ['before=2020-01-01', 0],
    ['after=2020-01-01T00:00:00', 1],
    ['after=2020-01-01T00:00:00%2B08:00', 1],
  ])('lists runs created_at__%s', async (filter, total) => {
    const api = await makeDify('form');
    await api.call({ path: RUN, body: { inputs: { name: 'A' }, user: 'u' } });
    const logs = await api.call({ path: `/v1/workflows/logs?created_at__${filter}` });
    expect(logs.json()).toMatchObject({ total });
  });
});
