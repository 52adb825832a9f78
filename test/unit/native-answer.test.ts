import { expect, test } from 'vitest';
import { answerRun } from '../../lambdas/core/api/sync-response.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { NO_USAGE, type Run } from '../../lambdas/core/run.ts';
import { type FakeClock, makeFakeClock } from '../support/fake-clock.ts';

const MINUTE = 60_000;

function running(clock: FakeClock): Run {
  const now = clock.now();
  return {
    id: '01a1fc33-92dd-784a-b597-8fb1f3d2b952',
    tenant: 'acme',
    flow: 'hello',
    version: '1.0.0',
    digest: 'd',
    env: 'published',
    mode: 'sync',
    dialect: 'native',
    status: 'running',
    usage: NO_USAGE,
    handledErrors: 0,
    createdAt: now,
    deadlineAt: now + 1_440 * MINUTE,
    priority: 0,
    webhookCount: 0,
    origin: 'https://api.example.com',
    epoch: 1,
    crashes: 0,
    signals: 0,
    seenSignals: 0,
    handoffs: 0,
  };
}

/** A run that another process works on, and a caller that repeats its request. */
function repeated() {
  const clock = makeFakeClock();
  const state = { run: running(clock), looks: 0 };
  const runs = {
    glance: async () => {
      state.looks += 1;
      return { ...state.run };
    },
    read: async () => ({ run: state.run, inputs: {}, outputs: null, deliveries: [] }),
  };
  const ports = { clock, runs } as unknown as Ports;
  const reply = answerRun(ports, {
    run: { ...state.run },
    replayed: true,
    receivedAt: clock.now(),
    render: ({ run }) => ({ status: run.status }),
  });
  return { clock, state, reply };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Moves the clock in small steps, letting whoever wakes act in between. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    clock.advance(Math.min(left, 1_000));
    await settle();
  }
}

function reading(reply: Awaited<ReturnType<typeof answerRun>>) {
  if (!reply.body || !('stream' in reply.body)) throw new Error('The answer is no stream');
  const read = { text: '', ended: false };
  const iterator = reply.body.stream[Symbol.asyncIterator]();
  const pump = async () => {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) read.text += next.value;
    read.ended = true;
  };
  return { read, done: pump(), leave: () => iterator.return?.(undefined) };
}

test.each(['succeeded', 'failed', 'canceled'] as const)('answers 200 once the run has %s', async (status) => {
  const { clock, state, reply } = repeated();
  await pass(clock, 3_000);
  state.run = { ...state.run, status };
  await pass(clock, 10_000);
  expect(await reply).toEqual({ status: 200, body: { json: { status } } });
});

test.each(['callback', 'approval', 'question'] as const)(
  'answers 202 when the run waits for a %s',
  async (waitingFor) => {
    const { clock, state, reply } = repeated();
    state.run = { ...state.run, status: 'waiting', waitingFor };
    await pass(clock, 2_000);
    expect(await reply).toEqual({ status: 202, body: { json: { status: 'waiting' } } });
  },
);

test('keeps the call open while the run waits for a timer', async () => {
  const { clock, state, reply } = repeated();
  state.run = { ...state.run, status: 'waiting', waitingFor: 'timer' };
  await pass(clock, 2 * MINUTE);
  state.run = { ...state.run, status: 'succeeded' };
  await pass(clock, 11_000);
  expect(await reply).toMatchObject({ status: 200, body: { json: { status: 'succeeded' } } });
});

test('reads the run less and less often', async () => {
  const { clock, state, reply } = repeated();
  await pass(clock, 3 * MINUTE);
  expect(state.looks).toBeGreaterThan(15);
  expect(state.looks).toBeLessThan(30);
  state.run = { ...state.run, status: 'succeeded' };
  await pass(clock, 11_000);
  await reply;
});

test('commits 200 at four minutes and sends a space every thirty seconds before the JSON', async () => {
  const { clock, state, reply } = repeated();
  await pass(clock, 4 * MINUTE);
  const answer = await reply;
  expect(answer.status).toBe(200);
  const { read, done } = reading(answer);
  await pass(clock, 61_000);
  expect(read).toEqual({ text: '   ', ended: false });
  state.run = { ...state.run, status: 'failed' };
  await pass(clock, 12_000);
  await done;
  expect(JSON.parse(read.text)).toEqual({ status: 'failed' });
});

test('answers its caller at fourteen minutes with the current run', async () => {
  const { clock, reply } = repeated();
  await pass(clock, 4 * MINUTE);
  const { read, done } = reading(await reply);
  await pass(clock, 10 * MINUTE - 1_000);
  expect(read.ended).toBe(false);
  await pass(clock, 2_000);
  await done;
  expect(JSON.parse(read.text)).toEqual({ status: 'running' });
});

test('stops reading when the caller has disconnected', async () => {
  const { clock, state, reply } = repeated();
  await pass(clock, 4 * MINUTE);
  const { leave } = reading(await reply);
  const left = leave();
  await pass(clock, 40_000);
  await left;
  const { looks } = state;
  await pass(clock, 5 * MINUTE);
  expect(state.looks).toBe(looks);
});
