// What happens to a run when its slice is disturbed: by faults of the store, by a lost lease, by cancels and deadlines,
// by answers that come early, by too little time.

import { expect, test } from 'vitest';
import { actForTenant, TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import { HttpFault } from '../../lambdas/core/ports/http.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { RunStore } from '../../lambdas/core/ports/runs.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { drive, pass, throughTime } from '../support/driver.ts';
import { makeMemoryFileStore } from '../support/memory-file-store.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { accepted, call, ran, set } from '../support/small-flows.ts';

const SLICE_MS = 90_000;

const buildFlow = (name: string, nodes: object) => JSON.stringify({ flow: 1, name, nodes });

/** A worker that picks the run up now, in a world that may differ for it. */
function work({ ports, clock }: MemoryPlatform, runId: string, runs: Partial<RunStore> = {}, sliceMs = SLICE_MS) {
  const its: Ports = { ...ports, runs: { ...ports.runs, ...runs } };
  return workRun(its, { runId, budgetUntil: clock.now() + sliceMs });
}

/** `recordNode` that fails the first time somebody records this unit. */
function failsToRecord({ ports }: MemoryPlatform, path: string): Pick<RunStore, 'recordNode'> {
  let isDone = false;
  return {
    async recordNode(run, record) {
      if (record.path !== path || isDone) return ports.runs.recordNode(run, record);
      isDone = true;
      throw new Error('The store is away');
    },
  };
}

test('a fault of the store gives the run back, and the next worker goes on behind what was recorded', async () => {
  const { platform, run, calls } = await accepted({ a: call('a'), b: call('b', {}, { needs: 'a' }) });
  await expect(throughTime(platform.clock, work(platform, run.id, failsToRecord(platform, 'b')))).rejects.toThrow(
    'The store is away',
  );
  const between = await platform.runs.get(run.id);
  expect([between?.status, between?.leaseUntil, between?.crashes]).toEqual(['running', undefined, 0]);
  await throughTime(platform.clock, work(platform, run.id));
  expect((await platform.runs.get(run.id))?.status).toBe('succeeded');
  expect(calls.map(({ name }) => name)).toEqual(['a', 'b', 'b']);
});

test('a fault beside an `each` does not turn an item that may fail into the failure of all', async () => {
  const nodes = {
    all: {
      ...call('${{ "item" & $item }}', { say: 'fine', ms: '${{ $item * 2000 }}', fail: '${{ $item = 1 ? 9 : 0 }}' }),
      each: { in: '[1, 2]', onItemError: 'null' },
    },
    beside: call('beside', { ms: 3_000 }),
  };
  const { platform, run } = await accepted(nodes, { v: { type: 'array', value: '${{ $nodes.all }}' } });
  const worker = work(platform, run.id, failsToRecord(platform, 'beside'));
  await expect(throughTime(platform.clock, worker)).rejects.toThrow('The store is away');
  const { run: ended } = await drive(platform, run.id);
  expect([ended.status, (await platform.runs.read(run.id))?.outputs]).toEqual(['succeeded', { v: [null, 'fine'] }]);
});

test('a worker whose lease was taken over while it could not reach the store writes nothing any more', async () => {
  const { platform, run, calls } = await accepted({ a: call('a', { ms: 40_000 }) }, { v: '${{ $nodes.a }}' });
  const { clock, ports } = platform;
  const back = Promise.withResolvers<void>();
  const zombie = work(platform, run.id, {
    glance: async () => undefined,
    renew: (...its) => back.promise.then(() => ports.runs.renew(...its)),
  });
  await pass(clock, 31_000);
  await throughTime(clock, work(platform, run.id));
  const before = await platform.runs.read(run.id);
  expect(before).toMatchObject({ run: { status: 'succeeded', epoch: 2, crashes: 1 }, outputs: { v: 2 } });
  back.resolve();
  await throughTime(clock, zombie);
  expect(calls).toHaveLength(2);
  expect(await platform.runs.read(run.id)).toEqual(before);
  expect(platform.runs.runs.get(run.id)?.records.get('a')).toMatchObject({ epoch: 2 });
});

test('a worker that was frozen for longer than its lease releases the run, and what only seems to have timed out is run again', async () => {
  const { platform, run, calls } = await accepted({ a: call('a', { ms: 1_000 }) }, { v: '${{ $nodes.a }}' });
  const { clock } = platform;
  const frozen = work(platform, run.id);
  await pass(clock, 500);
  // All at once, as for a process that was frozen: its timers are over before any answer reaches it.
  clock.advance(61_000);
  await throughTime(clock, frozen);
  expect(platform.runs.runs.get(run.id)).toMatchObject({ run: { status: 'running', crashes: 0 }, records: new Map() });
  expect((await drive(platform, run.id)).run).toMatchObject({ status: 'succeeded', crashes: 0 });
  expect(calls).toHaveLength(2);
});

test('a run that has failed waits for what is being written, whatever else in it is due meanwhile', async () => {
  const nodes = {
    written: set(1),
    short: { type: 'wait', with: { for: '2s' } },
    bad: call('bad', { ms: 1_000, fail: 1 }),
  };
  const { platform, run } = await accepted(nodes);
  const { clock, ports } = platform;
  const slowly = work(platform, run.id, {
    async recordNode(of, record) {
      if (record.path === 'written') await clock.sleep(5_000);
      return ports.runs.recordNode(of, record);
    },
  });
  await throughTime(clock, slowly);
  expect(await platform.runs.get(run.id)).toMatchObject({ status: 'failed', error: { node: 'bad' } });
});

test('a run that has crashed two workers goes on in isolation, where it cannot crash a worker of other runs', async () => {
  const { platform, run, calls } = await accepted({ a: call('a', { ms: 1_000 }) });
  const { clock, runs, started } = platform;
  for (const _ of ['first', 'second']) {
    await runs.claim(run.id, { now: clock.now(), leaseUntil: clock.now() + 30_000 });
    await pass(clock, 31_000);
  }
  await throughTime(clock, work(platform, run.id));
  expect([calls, started]).toEqual([[], [{ runId: run.id, handoff: 1 }]]);
  expect((await drive(platform, run.id)).run).toMatchObject({ status: 'succeeded', crashes: 2 });
});

test('a node that starts a run goes on with that run, wherever its worker was interrupted', async () => {
  const platform = await makePlatform();
  await platform.publish(buildFlow('below', { a: set(1) }));
  const run = await platform.accept(buildFlow('above', { sub: { type: 'flow', with: { name: 'below' } } }));
  const { records } = platform.runs.runs.get(run.id) ?? {};
  const fails = work(platform, run.id, failsToRecord(platform, 'sub'));
  await expect(throughTime(platform.clock, fails)).rejects.toThrow('The store is away');
  await pass(platform.clock, 10_000);
  const away = work(platform, run.id, { create: () => Promise.reject(new Error('The store is still away')) });
  await expect(throughTime(platform.clock, away)).rejects.toThrow('The platform failed under a node');
  expect(records?.get('sub')).toMatchObject({ status: 'waiting', wait: { notified: false } });
  expect((await drive(platform, run.id)).run.status).toBe('succeeded');
  expect(platform.runs.runs.size).toBe(2);
});

test('a node that queued behind others until it no longer fits the slice begins in another one', async () => {
  const long = { ms: 50_000 };
  const nodes = { a: call('a', long, { timeout: '60s' }), b: call('b', long, { timeout: '60s' }) };
  const { platform, run, calls } = await accepted(nodes, {}, { extra: { settings: { concurrency: 1 } } });
  await throughTime(platform.clock, work(platform, run.id, {}, 100_000));
  expect(calls).toHaveLength(1);
  expect(await platform.runs.get(run.id)).toMatchObject({ status: 'running', handoffs: 1 });
  expect(platform.started).toEqual([{ runId: run.id, handoff: 1 }]);
  expect((await drive(platform, run.id)).run.status).toBe('succeeded');
  expect(calls).toHaveLength(2);
});

test('a run whose next node does not fit goes to the machine at once, even if something else waits inline', async () => {
  const nodes = { short: { type: 'wait', with: { for: '20s' } }, long: call('long', {}, { timeout: '2m' }) };
  const { platform, run } = await accepted(nodes);
  const before = platform.clock.now();
  await throughTime(platform.clock, work(platform, run.id));
  expect(platform.clock.now() - before).toBeLessThan(5_000);
  expect(platform.started).toHaveLength(1);
});

test('a cancel request stops a run within seconds, and what had not begun never begins', async () => {
  const nodes = { a: call('a', { ms: 60_000 }, { timeout: '70s' }), b: call('b') };
  const { platform, run, calls } = await accepted(nodes, {}, { extra: { settings: { concurrency: 1 } } });
  const worker = work(platform, run.id);
  await pass(platform.clock, 1_000);
  const canceled = await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), run.id));
  await throughTime(platform.clock, worker);
  expect([canceled.status, calls.map(({ name }) => name)]).toEqual(['canceled', ['a']]);
  expect(platform.runs.runs.get(run.id)?.records.size).toBe(0);
  expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [] });
});

test('a cancel request that comes while the run goes to wait is not slept over', async () => {
  const { platform, run } = await accepted({ ask: { type: 'callback', with: { message: 'Well?' } } });
  const { ports, clock } = platform;
  await throughTime(
    clock,
    work(platform, run.id, {
      async suspend(...its) {
        await ports.runs.requestCancel(run.id);
        return ports.runs.suspend(...its);
      },
    }),
  );
  expect((await platform.runs.get(run.id))?.status).toBe('canceled');
});

test('a deadline in the middle of a node ends the run as expired and calls its webhooks', async () => {
  const { run, platform } = await ran(
    { a: call('a', { ms: 60_000 }, { timeout: '80s' }) },
    {},
    { asked: { timeout: '20s', webhooks: [{ url: 'https://example.com' }] } },
  );
  expect([run.error?.code, (run.endedAt ?? 0) - run.createdAt]).toEqual(['run-expired', 20_000]);
  expect(platform.queues.deliveries).toHaveLength(1);
});

test('an answer that comes before it is asked for is kept, and the run does not wait', async () => {
  const nodes = { ask: { type: 'callback', with: { message: 'Well?' } } };
  const { platform, run } = await accepted(nodes, { v: '${{ $nodes.ask.v }}' });
  await signalRun(platform.ports, TOKEN_HOLDER, { runId: run.id, path: 'ask', payload: { v: 'early' } });
  await throughTime(platform.clock, work(platform, run.id));
  const record = await platform.runs.read(run.id);
  expect(record).toMatchObject({ run: { status: 'succeeded', handoffs: 0 }, outputs: { v: 'early' } });
});

test('an answer that comes while other nodes run is taken up in the same slice', async () => {
  const nodes = {
    ask: { type: 'callback', with: { message: 'Well?' } },
    after: call('after', {}, { needs: 'ask' }),
    long: call('long', { ms: 25_000 }),
  };
  const { platform, run, calls } = await accepted(nodes);
  const worker = work(platform, run.id);
  await pass(platform.clock, 5_000);
  await signalRun(platform.ports, TOKEN_HOLDER, { runId: run.id, path: 'ask', payload: {} });
  await pass(platform.clock, 5_000);
  expect(calls.map(({ name }) => name)).toEqual(['long', 'after']);
  await throughTime(platform.clock, worker);
  expect(await platform.runs.get(run.id)).toMatchObject({ status: 'succeeded', handoffs: 0 });
});

test.each([3, 4, 5, 6, 7, 8, 9, 10, 11])(
  'a crash at call %i does not make a node forget how often it was tried',
  async (atCall) => {
    const retry = { max: 2, delay: '10s', jitter: false };
    const { platform, run, calls } = await accepted({ a: call('a', { fail: 9 }, { retry }) });
    const { run: ended, crashes } = await drive(platform, run.id, { crashes: [{ atCall, how: 'dies after' }] });
    expect([ended.status, ended.error?.node]).toEqual(['failed', 'a']);
    expect(calls.length).toBeGreaterThanOrEqual(3);
    expect(calls.length).toBeLessThanOrEqual(3 + crashes.length);
  },
);

test('whoever must answer is notified again when the notification failed, as often as the node says', async () => {
  let asked = 0;
  const functions: Ports['functions'] = {
    async invoke() {
      asked += 1;
      if (asked === 1) return { kind: 'error', type: 'Throttled', message: 'Too many', retryable: true };
      return { kind: 'answer', payload: null };
    },
  };
  const nodes = { a: { type: 'lambda', retry: 1, with: { function: 'work', mode: 'callback' } } };
  const { run, outputs } = await ran(nodes, { v: '${{ $nodes.a.v }}' }, { overrides: { functions } });
  expect([run.status, outputs, asked]).toEqual(['succeeded', { v: 'a' }, 2]);
});

test('a server that says when to come back is not asked sooner, however long that is', async () => {
  const asked: number[] = [];
  const http: Ports['http'] = {
    check: () => undefined,
    async send() {
      asked.push(platformNow());
      const headers: Record<string, string> = asked.length === 1 ? { 'retry-after': '300' } : {};
      const status = asked.length === 1 ? 429 : 200;
      return { status, headers, body: new TextEncoder().encode('{}'), truncated: false, durationMs: 1 };
    },
  };
  let platformNow = () => 0;
  const nodes = { a: { type: 'http', retry: { max: 1, delay: '1s' }, with: { url: 'https://example.com' } } };
  const { platform, run } = await accepted(nodes, {}, { overrides: { http } });
  platformNow = platform.clock.now;
  expect((await drive(platform, run.id)).run).toMatchObject({ status: 'succeeded', handoffs: 1 });
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(300_000);
});

test('a retry is for the codes that the node names, and for no others', async () => {
  const fails = { fail: 9 };
  const { calls } = await ran({ a: call('a', fails, { retry: { max: 3, delay: '1s', on: ['node-timed-out'] } }) });
  expect(calls).toHaveLength(1);
  const http: Ports['http'] = {
    check: () => undefined,
    send: () => Promise.reject(new HttpFault('dns', 'There is no such host')),
  };
  const nodes = { a: { type: 'http', with: { url: 'https://nowhere.example' } } };
  expect((await ran(nodes, {}, { overrides: { http } })).run.error?.message).toContain('no such host');
});

test('a store that a node asks and that is away is no failure of the node', async () => {
  let isAway = true;
  const file = { id: 'f', tenant: 'acme', name: 'a.txt', type: 'text/plain', size: 2, createdAt: 0 };
  const files = { ...makeMemoryFileStore() };
  await files.add(file);
  await files.write(file, Buffer.from('hi'));
  const { read } = files;
  files.read = async (it) => {
    if (!isAway) return read(it);
    isAway = false;
    throw new Error('SlowDown');
  };
  const sent: unknown[] = [];
  const http: Ports['http'] = {
    check: () => undefined,
    send: async ({ body }) => {
      sent.push(body);
      return { status: 200, headers: {}, body: Buffer.from('ok'), truncated: false, durationMs: 1 };
    },
  };
  const nodes = {
    a: { type: 'http', with: { url: 'https://a.example', method: 'PUT', bodyType: 'file', body: { id: 'f' } } },
  };
  const { run } = await ran(nodes, {}, { overrides: { http, files } });
  expect([run.status, isAway, sent.map(String)]).toEqual(['succeeded', false, ['104,105']]);
});

test('a plan that is gone ends the run with a message, not with crashes', async () => {
  const { platform, run } = await accepted({ a: set(1) });
  platform.ports.flows.plan = async () => undefined;
  const { run: ended, crashes } = await drive(platform, run.id);
  expect([ended.status, ended.error?.message, crashes]).toEqual(['failed', expect.stringContaining('is gone'), []]);
});

test('a run that nobody serves for a day ends when the sweeper comes', async () => {
  const { platform, run } = await accepted({ a: set(1) });
  platform.clock.advance(24 * 60 * 60_000);
  await sweep(platform.ports, { untilMs: platform.clock.now() + 1_000 });
  expect((await platform.runs.get(run.id))?.error?.code).toBe('run-expired');
});
