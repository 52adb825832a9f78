import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { allEvents, type SentEvent, sentEvents } from '../support/sse.ts';

const STEPS = `
flow: 1
name: steps
inputs:
  delay: { type: string, default: 1s }
nodes:
  first: { type: set, with: { values: { n: 1 } } }
  timer: { type: wait, needs: first, with: { for: "\${{ $inputs.delay }}" } }
  last: { type: set, needs: timer, with: { values: { n: "\${{ $nodes.first.n + 1 }}" } } }
outputs:
  n: \${{ $nodes.last.n }}
`;
const ASK = `
flow: 1
name: ask
nodes:
  decision: { type: callback, with: { message: Yes or no? } }
outputs:
  answer: \${{ $nodes.decision }}
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'steps', STEPS);
  await publishFlow(api, 'ask', ASK);
}, 120_000);
afterAll(() => runtime?.stop());

const headers = () => ({ authorization: `Bearer ${api.key}`, 'content-type': 'application/json' });

function stream(flow: string, body: object, extra: { headers?: Record<string, string>; signal?: AbortSignal } = {}) {
  return fetch(`${api.baseUrl}/v1/flows/${flow}/runs`, {
    method: 'POST',
    headers: { ...headers(), ...extra.headers },
    body: JSON.stringify({ mode: 'stream', ...body }),
    signal: extra.signal,
  });
}

function follow(id: string, query = '', lastEventId?: string) {
  return fetch(`${api.baseUrl}/v1/runs/${id}/events${query}`, {
    headers: { ...headers(), ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) },
  });
}

const listTypes = (events: SentEvent[]) => events.map(({ event }) => event);
const listIds = (events: SentEvent[]) => events.map(({ id }) => Number(id));
const ended = (events: SentEvent[]) =>
  events.filter(({ event }) => event === 'node.finished').map(({ data }) => data.path);

test('shows a run as it goes, its first event before its first node has ended', async () => {
  const response = await stream('steps', {});
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events: SentEvent[] = [];
  let statusAtFirstEvent: string | undefined;
  for await (const event of sentEvents(response)) {
    events.push(event);
    if (event.event !== 'run.started') continue;
    statusAtFirstEvent = (await api.call('GET', `/v1/runs/${event.data.id}`)).body.status;
  }
  expect(statusAtFirstEvent).toBe('running');
  expect(listTypes(events)).toEqual([
    'run.started',
    'node.started',
    'node.finished',
    'node.started',
    'node.waiting',
    'node.started',
    'node.finished',
    'node.started',
    'node.finished',
    'run.finished',
  ]);
  expect(events.at(-1)?.data).toMatchObject({ status: 'succeeded', outputs: { n: 2 } });
  expect(events.find(({ event }) => event === 'node.finished')?.data).toMatchObject({
    path: 'first',
    status: 'succeeded',
    output: { n: 1 },
  });
  expect(listIds(events)).toEqual([...listIds(events)].sort((a, b) => a - b));
  expect(new Set(listIds(events)).size).toBe(events.length);
});

test('is resumed anywhere by the last event that was seen', async () => {
  const events = await allEvents(await stream('steps', { inputs: { delay: '0s' } }));
  const id = events[0]?.data.id;
  const whole = await allEvents(await follow(id));
  expect(ended(whole)).toEqual(['first', 'timer', 'last']);
  for (const seen of events) {
    const rest = await allEvents(await follow(id, '', seen.id));
    expect(listIds(rest).every((it) => it > Number(seen.id))).toBe(true);
    expect(ended(rest)).toEqual(ended(events.slice(events.indexOf(seen) + 1)));
    if (seen.event !== 'run.finished') expect(rest.at(-1)?.event).toBe('run.finished');
  }
  expect(await allEvents(await follow(id, `?after=${events.at(-1)?.id}`))).toEqual([]);
});

test('is followed from elsewhere, from the beginning or from its present state', async () => {
  const { body } = await api.call('POST', '/v1/flows/steps/runs', { mode: 'async', inputs: { delay: '2s' } });
  const [whole, [snapshot, ...rest]] = await Promise.all([
    follow(body.id).then(allEvents),
    follow(body.id, '?snapshot=1').then(allEvents),
  ]);
  expect(ended(whole)).toEqual(['first', 'timer', 'last']);
  expect(listTypes(whole).at(-1)).toBe('run.finished');
  expect(snapshot).toMatchObject({
    event: 'run.snapshot',
    data: { run: { id: body.id }, nodes: [{ path: 'first' }, {}, {}] },
  });
  expect(rest.at(-1)).toMatchObject({ event: 'run.finished', data: { outputs: { n: 2 } } });
});

test('goes on when its caller leaves', async () => {
  const gone = new AbortController();
  const response = await stream('steps', { user: 'leaver' }, { signal: gone.signal });
  const first = await sentEvents(response).next();
  gone.abort();
  const rest = await allEvents(await follow(first.value?.data.id, '', first.value?.id));
  expect(rest.at(-1)?.data).toMatchObject({ status: 'succeeded', outputs: { n: 2 } });
});

test('ends where somebody must answer, and is followed to its end after the answer', async () => {
  const events = await allEvents(await stream('ask', {}));
  expect(listTypes(events)).toEqual(['run.started', 'node.started', 'node.waiting', 'run.waiting']);
  const { id } = events[0]?.data ?? {};
  const rest = follow(id, '', events.at(-1)?.id).then(allEvents);
  expect((await api.call('POST', `/v1/runs/${id}/signals/decision`, { yes: true })).status).toBeLessThan(300);
  expect((await rest).at(-1)?.data).toMatchObject({ status: 'succeeded', outputs: { answer: { yes: true } } });
});

test('streams the same run for a repeated Idempotency-Key', async () => {
  const repeat = { headers: { 'idempotency-key': 'stream-once' } };
  const [once, twice] = [await stream('steps', {}, repeat), await stream('steps', {}, repeat)];
  const [first, second] = await Promise.all([allEvents(once), allEvents(twice)]);
  expect(second[0]?.data.id).toBe(first[0]?.data.id);
  expect(second.at(-1)).toEqual(first.at(-1));
});

test.for([
  ['an event id that is none', '', 'x', 400],
  ['a number that is none', '?after=-1', undefined, 400],
  ['an unknown field', '?since=1', undefined, 400],
] as const)('refuses %s', async ([, query, lastEventId, status]) => {
  const { body } = await api.call('POST', '/v1/flows/ask/runs', { mode: 'async' });
  const response = await follow(body.id, query, lastEventId);
  expect([response.status, ((await response.json()) as Body).error.code]).toEqual([status, 'invalid-request']);
});

test("keeps another tenant's run to itself", async () => {
  const response = await follow('01890000-0000-7000-8000-000000000000');
  expect([response.status, ((await response.json()) as Body).error.code]).toEqual([404, 'run-not-found']);
});
