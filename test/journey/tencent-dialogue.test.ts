// Tencent's synchronous call: a dialogue as server-sent events.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';

const TALK = `
flow: 1
name: talk
inputs: { query: { type: string, required: true }, tone: { type: string, default: plain } }
nodes:
  hold: { type: reply, with: { message: "One moment, " } }
  ask: { type: question, needs: hold, with: { message: Red or blue?, options: [red, blue] } }
  confirm: { type: reply, with: { message: "\${{ $inputs.query }} in \${{ $inputs.tone }} \${{ $nodes.ask }}" } }
outputs: { text: "\${{ $nodes.confirm.text }}" }
`;
const PLAIN = `
flow: 1
name: plain
inputs: { query: { type: string } }
nodes: { say: { type: set, with: { values: { text: "You said \${{ $inputs.query }}" } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;
const BROKEN = `
flow: 1
name: breaks
nodes: { stop: { type: fail, with: { message: Out of luck } } }
outputs: {}
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  for (const [name, source] of Object.entries({ talk: TALK, plain: PLAIN, breaks: BROKEN })) {
    await publishFlow(api, name, source);
  }
}, 120_000);
afterAll(() => runtime?.stop());

async function appKey(flow: string): Promise<string> {
  const { body } = await api.call('POST', '/v1/keys', { dialect: 'tencent', flow });
  return body.credentials.appKey;
}

async function say(key: string, content: string, more: object = {}): Promise<Body[]> {
  const answer = await fetch(`${api.baseUrl}/v1/qbot/chat/sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      request_id: 'r-1',
      content,
      session_id: 's-1',
      bot_app_key: key,
      visitor_biz_id: 'v-1',
      ...more,
    }),
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/event-stream/),
  ]);
  const events = (await answer.text()).split('\n\n').filter((text) => text.startsWith('event:'));
  return events.map((text) => {
    const [, type, data = ''] = /^event:(\w+)\ndata:(.*)$/s.exec(text) ?? [];
    const event = JSON.parse(data);
    expect(event.type).toBe(type);
    return event;
  });
}

const replies = (events: Body[]) =>
  events
    .filter(({ type, payload }) => type === 'reply' && !payload.is_from_self)
    .map(({ payload }) => [payload.content, payload.is_final]);

test('the text of the user comes back as an event, then the answer, then its tokens', async () => {
  const events = await say(await appKey('plain'), '你好');
  expect(events.map(({ type }) => type)).toEqual(['reply', 'reply', 'token_stat']);
  expect(events[0].payload).toMatchObject({
    content: '你好',
    is_from_self: true,
    request_id: 'r-1',
    session_id: 's-1',
  });
  expect(events[1].payload).toMatchObject({
    content: 'You said 你好',
    is_final: true,
    related_record_id: events[0].payload.record_id,
    work_flow: { workflow_name: 'plain' },
  });
  expect(events[2].payload).toMatchObject({ record_id: events[1].payload.record_id, status_summary: 'success' });
});

test('a question ends the response, and the next text of the session answers it', async () => {
  const key = await appKey('talk');
  const asked = await say(key, 'A line', { session_id: 'ask', custom_variables: { tone: 'bright' } });
  expect(replies(asked)).toEqual([
    ['One moment, ', false],
    ['One moment, \nRed or blue?', true],
  ]);
  expect(asked.at(-2).payload.option_cards).toEqual(['red', 'blue']);
  const confirmed = await say(key, 'blue', { session_id: 'ask', request_id: 'r-2' });
  expect(replies(confirmed).at(-1)).toEqual(['A line in bright blue', true]);
});

describe('partial replies', () => {
  test('have all the text so far, or only the new text, or are left out', async () => {
    const key = await appKey('talk');
    const [first] = replies(await say(key, 'A', { session_id: 'inc', incremental: true }));
    expect(first).toEqual(['One moment, ', false]);
    const quiet = replies(await say(key, 'A', { session_id: 'quiet', stream: 'disable' }));
    expect(quiet).toEqual([['One moment, \nRed or blue?', true]]);
  });
});

test('a run that fails is an error event', async () => {
  const events = await say(await appKey('breaks'), 'x');
  expect(events.find(({ type }) => type === 'error')).toMatchObject({
    request_id: 'r-1',
    error: { message: 'Out of luck' },
  });
});

describe('a refusal is an error event with a code of the vendor', () => {
  test.each([
    ['an unknown key', 'nobody', {}, 460_004],
    ['an invalid session id', '', { session_id: '!' }, 400],
    ['a text that is too long', '', { content: 'x'.repeat(6_001) }, 400],
    ['an unknown variable', '', { custom_variables: { colour: 'red' } }, 400],
  ])('for %s', async (_, key, more, code) => {
    const [event] = await say(key || (await appKey('plain')), 'x', more);
    expect(event).toMatchObject({ type: 'error', request_id: 'r-1', error: { code } });
  });

  test('also for a body that is not JSON', async () => {
    const answer = await fetch(`${api.baseUrl}/v1/qbot/chat/sse`, { method: 'POST', body: '{' });
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringMatching(/^event:error\ndata:\{"type":"error"/),
    ]);
  });
});
