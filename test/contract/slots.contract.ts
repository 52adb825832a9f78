// What every Slots must do, whatever it keeps them in.

import { beforeAll, describe, expect, test } from 'vitest';
import type { Due, Slots } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { buildRun } from '../support/build-run.ts';

const LIMIT = 2;
let tenants = 0;

/** Runs of a tenant of their own, each a millisecond older than the next. */
function makeRuns(count: number, priorities: number[] = []): Run[] {
  tenants += 1;
  const createdAt = Date.now();
  return Array.from({ length: count }, (_, n) =>
    buildRun({ tenant: `tenant-${tenants}`, createdAt: createdAt + n, priority: priorities[n] ?? 0 }),
  );
}

const freshTenant = ([run]: Run[]): string => run?.tenant ?? '';
const listIds = (runs: Run[]): string[] => runs.map(({ id }) => id);

interface Made {
  slots: Slots;
  /** What the sweeper finds of them. */
  due(now: number): Promise<Due[]>;
}

export function describeSlots(name: string, make: () => Made | Promise<Made>): void {
  describe(`slots on ${name}`, () => {
    let slots: Slots;
    let due: Made['due'];
    beforeAll(async () => {
      ({ slots, due } = await make());
    });
    const acquire = ({ tenant, id }: Run) => slots.acquire({ tenant, runId: id, limit: LIMIT, now: Date.now() });

    test('gives as many slots as the limit allows, and the same run its own again', async () => {
      const runs = makeRuns(3);
      expect(await Promise.all(runs.slice(0, LIMIT).map(acquire))).toEqual([true, true]);
      expect(await acquire(runs[2] as Run)).toBe(false);
      expect(await acquire(runs[0] as Run)).toBe(true);
    });

    test('shows who holds slots, who runs synchronously and how many wait', async () => {
      const runs = makeRuns(4);
      const [held, sync, ...waiting] = runs as [Run, Run, ...Run[]];
      await acquire(held);
      await slots.enterSync({ tenant: sync.tenant, runId: sync.id, limit: LIMIT, now: Date.now() });
      for (const run of waiting) await slots.enqueue(run);
      expect(await slots.occupancy(freshTenant(runs))).toEqual({ running: [held.id], queued: 2, sync: [sync.id] });
    });

    test('shows an unknown tenant as idle', async () => {
      expect(await slots.occupancy('nobody')).toEqual({ running: [], queued: 0, sync: [] });
    });

    test('promotes queued runs by priority, then age, and no more than there are free slots', async () => {
      const runs = makeRuns(4, [0, 0, 9, 0]);
      for (const run of runs) await slots.enqueue(run);
      const [oldest, second, urgent] = listIds(runs);
      expect(await slots.promote(freshTenant(runs), LIMIT)).toEqual([urgent, oldest]);
      expect(await slots.promote(freshTenant(runs), LIMIT)).toEqual([]);
      expect(await slots.release(freshTenant(runs), urgent ?? '')).toEqual({ queued: 2 });
      expect(await slots.promote(freshTenant(runs), LIMIT)).toEqual([second]);
    });

    test('promotes every queued run once when several promote at the same moment', async () => {
      const runs = makeRuns(6);
      for (const run of runs) await slots.enqueue(run);
      const promoted = await Promise.all([1, 2, 3].map(() => slots.promote(freshTenant(runs), 4)));
      expect(promoted.flat().toSorted()).toEqual(listIds(runs).slice(0, 4));
      expect(await slots.occupancy(freshTenant(runs))).toMatchObject({ queued: 2 });
    });

    test('lets nobody overtake those who wait', async () => {
      const runs = makeRuns(2);
      const [waiting, newcomer] = runs as [Run, Run];
      await slots.enqueue(waiting);
      expect(await acquire(newcomer)).toBe(false);
    });

    test('frees a slot once, however often it is asked to', async () => {
      const runs = makeRuns(2);
      for (const run of runs) await acquire(run);
      await slots.release(freshTenant(runs), runs[0]?.id ?? '');
      await slots.release(freshTenant(runs), runs[0]?.id ?? '');
      expect(await slots.occupancy(freshTenant(runs))).toMatchObject({ running: [runs[1]?.id] });
    });

    test('a run that leaves the queue is not promoted', async () => {
      const runs = makeRuns(2);
      for (const run of runs) await slots.enqueue(run);
      await slots.leaveQueue(runs[0] as Run);
      await slots.leaveQueue(runs[0] as Run);
      expect(await slots.isQueued(runs[0] as Run)).toBe(false);
      expect(await slots.promote(freshTenant(runs), LIMIT)).toEqual([runs[1]?.id]);
    });

    test('are shown to the sweeper some time after one was taken, until nobody holds any', async () => {
      const [run] = makeRuns(1) as [Run];
      const later = Date.now() + 60 * 60_000;
      const isDue = async (now: number) =>
        (await due(now)).some((it) => it.kind === 'slots' && it.tenant === run.tenant);
      await acquire(run);
      expect(await isDue(Date.now())).toBe(false);
      await expect.poll(() => isDue(later)).toBe(true);
      await slots.reconcileAt(run.tenant, undefined);
      expect(await isDue(later)).toBe(true);
      await slots.reconcileAt(run.tenant, later + 1);
      await expect.poll(() => isDue(later)).toBe(false);
      await slots.release(run.tenant, run.id);
      await slots.reconcileAt(run.tenant, undefined);
      await expect.poll(() => isDue(later + 1)).toBe(false);
    });

    test('are shown to the sweeper in time, however many more are taken', async () => {
      const runs = makeRuns(2) as [Run, Run];
      const [{ tenant }] = runs;
      const began = Date.now();
      const hourLater = began + 60 * 60_000;
      for (const [n, { id }] of runs.entries()) {
        await slots.acquire({ tenant, runId: id, limit: LIMIT, now: n === 0 ? began : hourLater });
      }
      const isDue = async () =>
        (await due(began + 11 * 60_000)).some((it) => it.kind === 'slots' && it.tenant === tenant);
      await expect.poll(isDue).toBe(true);
    });

    test('synchronous calls have slots of their own', async () => {
      const runs = makeRuns(3);
      const enter = (run: Run) => slots.enterSync({ tenant: run.tenant, runId: run.id, limit: LIMIT, now: Date.now() });
      for (const run of runs.slice(0, LIMIT)) expect(await enter(run)).toBe(true);
      expect(await enter(runs[2] as Run)).toBe(false);
      expect(await acquire(runs[2] as Run)).toBe(true);
      await slots.leaveSync(freshTenant(runs), runs[0]?.id ?? '');
      expect(await enter(runs[2] as Run)).toBe(true);
    });
  });
}
