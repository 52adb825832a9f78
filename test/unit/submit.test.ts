// Accepting a run: who may, how often, and what is left behind when it is refused.

import { beforeEach, describe, expect, test } from 'vitest';
import { rerun } from '../../lambdas/core/api/rerun.ts';
import { type Submission, submit } from '../../lambdas/core/api/submit.ts';
import type { Key, Tenant } from '../../lambdas/core/ports/catalog.ts';
import { drive } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { call, callable, set } from '../support/small-flows.ts';

const HOUR_MS = 3_600_000;
const ORIGIN = 'https://errand.example.com';
const buildFlow = (name: string, nodes: object = { a: set(1) }, extra: object = {}) =>
  JSON.stringify({ flow: 1, name, nodes, outputs: {}, ...extra });

let platform: MemoryPlatform;
let tenant: Tenant;
beforeEach(async () => {
  platform = await makePlatform({ functions: callable([], () => platform) });
  tenant = (await platform.ports.tenants.tenant('acme')) as Tenant;
  await platform.publish(buildFlow('probe'));
});

const callerWith = (key: Partial<Key> = {}, of: Partial<Tenant> = {}) => ({
  tenant: { ...tenant, ...of },
  key: { id: 'k', tenant: 'acme', dialect: 'native' as const, scopes: ['run' as const], createdAt: 0, ...key },
  origin: ORIGIN,
});
const asked = (extra: Partial<Submission> = {}): Submission => ({
  flow: 'probe',
  inputs: {},
  mode: 'async',
  dialect: 'native',
  ...extra,
});
const submitted = (extra: Partial<Submission> = {}, caller = callerWith()) =>
  submit(platform.ports, caller, asked(extra));

describe('a key', () => {
  test.each(['native', 'dify', 'gptbots', 'qianfan', 'huawei', 'tencent'] as const)(
    'bound to one flow starts no other by the dialect %s',
    async (dialect) => {
      await platform.publish(buildFlow('other'));
      const caller = callerWith({ dialect, flow: 'probe' });
      await expect(submitted({ flow: 'other', dialect }, caller)).rejects.toMatchObject({ code: 'forbidden' });
      expect(platform.runs.runs.size).toBe(0);
      expect((await submitted({ dialect }, caller)).run.flow).toBe('probe');
    },
  );

  test('bound to one flow reruns no run of another', async () => {
    const { run } = await submitted();
    await drive(platform, run.id);
    const caller = callerWith({ flow: 'other' });
    await expect(rerun(platform.ports, caller, run.id, {})).rejects.toMatchObject({ code: 'run-not-found' });
  });
});

describe('a tenant', () => {
  test('without the entitlement runs nothing asynchronously, and its error says so', async () => {
    const caller = callerWith({}, { entitlements: { async: false } });
    await expect(submitted({}, caller)).rejects.toMatchObject({ code: 'async-not-entitled' });
    expect((await submitted({ mode: 'sync' }, caller)).run.status).toBe('running');
  });

  test('whose queue is full gets an error that says when to try again', async () => {
    const caller = callerWith({}, { limits: { concurrency: 1, queued: 1, sync: 1 } });
    const { run } = await submitted({}, caller);
    await platform.ports.slots.enqueue(run);
    await expect(submitted({}, caller)).rejects.toMatchObject({ code: 'tenant-over-limit', retryAfterSeconds: 30 });
    expect(platform.runs.runs.size).toBe(1);
  });

  test('at its limit of synchronous calls gets no more, until one of them has ended', async () => {
    const caller = callerWith({}, { limits: { concurrency: 1, queued: 1, sync: 1 } });
    const { run } = await submitted({ mode: 'sync' }, caller);
    await expect(submitted({ mode: 'stream' }, caller)).rejects.toMatchObject({ code: 'tenant-over-limit' });
    await platform.ports.slots.leaveSync('acme', run.id);
    await expect(submitted({ mode: 'stream' }, caller)).resolves.toMatchObject({ replayed: false });
  });
});

describe('an idempotency key', () => {
  const idempotencyKey = 'once';

  test('gives the same run for the same request, whatever the order of its fields', async () => {
    const first = await submitted({ idempotencyKey, metadata: { a: 1, b: [2] } });
    const again = await submitted({ metadata: { b: [2], a: 1 }, idempotencyKey });
    expect(again).toMatchObject({ replayed: true, run: { id: first.run.id } });
    expect(platform.queues.runs).toHaveLength(1);
  });

  test('is refused for another request', async () => {
    await submitted({ idempotencyKey });
    await expect(submitted({ idempotencyKey, user: 'somebody' })).rejects.toMatchObject({
      code: 'idempotency-conflict',
    });
  });

  test('of a run that failed is free again', async () => {
    await platform.publish(buildFlow('probe', { a: { type: 'fail', with: { message: 'No' } } }));
    const first = await submitted({ idempotencyKey });
    await drive(platform, first.run.id);
    const again = await submitted({ idempotencyKey });
    expect(again.replayed).toBe(false);
    expect(again.run.id).not.toBe(first.run.id);
  });

  test('gives back the synchronous slot of a call that repeats another', async () => {
    const first = await submitted({ mode: 'sync', idempotencyKey });
    await submitted({ mode: 'sync', idempotencyKey });
    expect((await platform.ports.slots.occupancy('acme')).sync).toEqual([first.run.id]);
  });
});

test('a store that is away leaves no slot taken', async () => {
  platform.ports.runs.create = () => Promise.reject(new Error('The store is away'));
  await expect(submitted({ mode: 'sync' })).rejects.toThrow('The store is away');
  expect((await platform.ports.slots.occupancy('acme')).sync).toEqual([]);
});

test('an accepted run stays accepted when it cannot be enqueued', async () => {
  const { enqueueRuns } = platform.ports.queues;
  platform.ports.queues.enqueueRuns = () => Promise.reject(new Error('The queue is away'));
  const { run } = await submitted();
  expect([run.status, platform.queues.runs]).toEqual(['pending', []]);
  platform.ports.queues.enqueueRuns = enqueueRuns;
  expect((await drive(platform, run.id)).run.status).toBe('succeeded');
});

test('a run that shall start later is enqueued then, or found by the sweeper when that is long', async () => {
  const at = (ms: number) => new Date(platform.clock.now() + ms).toISOString();
  await submitted({ startAfter: at(60_000) });
  expect(platform.queues.runs).toMatchObject([{ delaySeconds: 60 }]);
  const { run } = await submitted({ startAfter: at(HOUR_MS) });
  expect(platform.queues.runs).toHaveLength(1);
  expect(run.dueAt).toBe(run.createdAt + HOUR_MS);
});

test('a deadline is the earliest of what platform, flow and request say', async () => {
  const lifetime = async (extra: object, timeout?: string) => {
    await platform.publish(buildFlow('probe', { a: set(1) }, extra));
    const { run } = await submitted(timeout === undefined ? {} : { timeout });
    return run.deadlineAt - run.createdAt;
  };
  expect(await lifetime({})).toBe(24 * HOUR_MS);
  expect(await lifetime({}, '99h')).toBe(24 * HOUR_MS);
  expect(await lifetime({ settings: { timeout: '2h' } })).toBe(2 * HOUR_MS);
  expect(await lifetime({ settings: { timeout: '2h' } }, '90s')).toBe(90_000);
  expect(await lifetime({ settings: { timeout: '2h' } }, '1h30m')).toBe(1.5 * HOUR_MS);
  for (const timeout of ['0s', '999ms', '90', 'soon', '-1s']) {
    await expect(lifetime({}, timeout)).rejects.toMatchObject({ details: [{ field: 'timeout' }] });
  }
});

test('a deadline counts from the time at which a run shall start, but never ends later than a day after acceptance', async () => {
  await platform.publish(buildFlow('probe', { a: set(1) }));
  const at = (ms: number) => new Date(platform.clock.now() + ms).toISOString();
  const { run: short } = await submitted({ startAfter: at(HOUR_MS), timeout: '20s' });
  expect([short.deadlineAt, short.dueAt]).toEqual([short.createdAt + HOUR_MS + 20_000, short.createdAt + HOUR_MS]);
  const { run: soon } = await submitted({ startAfter: at(60_000), timeout: '20s' });
  expect(soon.dueAt).toBe(soon.deadlineAt);
  const { run: late } = await submitted({ startAfter: at(23 * HOUR_MS), timeout: '2h' });
  expect(late.deadlineAt).toBe(late.createdAt + 24 * HOUR_MS);
  const never = { code: 'invalid-request', details: [{ field: 'startAfter', message: expect.any(String) }] };
  await expect(submitted({ startAfter: at(24 * HOUR_MS) })).rejects.toMatchObject(never);
});

test('a flow for one mode is refused in the other, and names the node that cannot run without a caller', async () => {
  await platform.publish(buildFlow('probe', { a: call('a') }, { settings: { mode: 'sync' } }));
  await expect(submitted()).rejects.toMatchObject({ code: 'async-unsupported' });
  await platform.publish(buildFlow('probe', { who: { type: 'question', with: { message: 'Who?' } } }));
  await expect(submitted()).rejects.toMatchObject({
    code: 'async-unsupported',
    details: [{ field: 'nodes.who', line: expect.any(Number) }],
  });
});
