// How many runs of a tenant work at once, and who is next.

import { beforeEach, expect, test } from 'vitest';
import { actForTenant } from '../../lambdas/core/access/run-access.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import type { Tenant } from '../../lambdas/core/ports/catalog.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { drive, pass, throughTime } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { call, callable } from '../support/small-flows.ts';

const SECOND = 1_000;
const long = JSON.stringify({ flow: 1, name: 'long', nodes: { a: call('a', { ms: 10 * SECOND }) }, outputs: {} });

let platform: MemoryPlatform;
beforeEach(async () => {
  platform = await makePlatform({ functions: callable([], () => platform) });
  const tenant = (await platform.ports.tenants.tenant('acme')) as Tenant;
  await platform.ports.tenants.putTenant({ ...tenant, limits: { ...tenant.limits, concurrency: 1 } });
});

const work = ({ id }: Run) => workRun(platform.ports, { runId: id, budgetUntil: platform.clock.now() + 90 * SECOND });
const readStatus = async ({ id }: Run) => (await platform.runs.get(id))?.status;

test('runs beyond the limit wait in order: priority, then age', async () => {
  const first = await platform.accept(long);
  const others: Run[] = [];
  for (const priority of [0, 0, 9, 5]) {
    platform.clock.advance(1);
    others.push(await platform.accept(long, { priority }));
  }
  platform.queues.runs.length = 0;
  const begun = [work(first)];
  await pass(platform.clock, SECOND);
  for (const run of others) await throughTime(platform.clock, work(run));
  expect(await Promise.all(others.map(readStatus))).toEqual(['pending', 'pending', 'pending', 'pending']);
  const called: string[] = [];
  while (begun.length > 0) {
    await throughTime(platform.clock, begun.shift() as Promise<void>);
    const message = platform.queues.runs.shift();
    if (!message) continue;
    called.push(message.runId);
    expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [message.runId] });
    begun.push(work({ id: message.runId } as Run));
  }
  const [oldest, second, urgent, sooner] = others.map(({ id }) => id);
  expect(called).toEqual([urgent, sooner, oldest, second]);
  expect(await platform.ports.slots.occupancy('acme')).toEqual({ running: [], queued: 0, sync: [] });
});

test('a second queue message for a running run changes nothing', async () => {
  const run = await platform.accept(long);
  const working = work(run);
  await pass(platform.clock, SECOND);
  await throughTime(platform.clock, work(run));
  expect(await platform.runs.get(run.id)).toMatchObject({ status: 'running', epoch: 1 });
  await throughTime(platform.clock, working);
});

test('a run that is canceled while it is queued leaves the queue', async () => {
  const [first, second] = [await platform.accept(long), await platform.accept(long)];
  const working = work(first);
  await pass(platform.clock, SECOND);
  await throughTime(platform.clock, work(second));
  await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), second.id));
  expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [first.id], queued: 0 });
  await throughTime(platform.clock, working);
});

test('a run that has waited for its timer queues again where the tenant is full, and leaves the room when canceled', async () => {
  const patient = JSON.stringify({ flow: 1, name: 'patient', nodes: { a: { type: 'wait', with: { for: '5m' } } } });
  const sleeper = await platform.accept(patient);
  await throughTime(platform.clock, work(sleeper));
  platform.clock.advance(5 * 60 * SECOND);
  const first = await platform.accept(long);
  const working = work(first);
  await pass(platform.clock, SECOND);
  await throughTime(platform.clock, work(sleeper));
  const queued = await platform.runs.get(sleeper.id);
  expect([queued?.status, queued?.waitingFor]).toEqual(['pending', undefined]);
  await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), sleeper.id));
  expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [first.id], queued: 0 });
  await throughTime(platform.clock, working);
});

test('a run that waits for somebody gives its slot to the next', async () => {
  const ask = { a: { type: 'callback', with: { message: 'Well?' } } };
  const waiting = await platform.accept(JSON.stringify({ flow: 1, name: 'ask', nodes: ask, outputs: {} }));
  await throughTime(platform.clock, work(waiting));
  expect(await readStatus(waiting)).toBe('waiting');
  const { run } = await drive(platform, (await platform.accept(long)).id);
  expect(run.status).toBe('succeeded');
});
