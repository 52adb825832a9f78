// The simulation itself: that it can be repeated, that faults really happen in it, and that it finds what is broken.

import { describe, expect, test } from 'vitest';
import type { Run } from '../../lambdas/core/run.ts';
import { type SimulationOptions, simulate } from './simulate.ts';
import { makeSummary } from './summary.ts';

const SEEDS = 60;
const ENOUGH_SEEDS = 150;

test('the same seed gives the same history', async () => {
  for (const seed of [3, 36, 47, 122]) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect([second.hash, second.steps]).toEqual([first.hash, first.steps]);
  }
});

test('every rule holds, whatever fault is injected', async () => {
  const summary = makeSummary();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const simulation = await simulate(seed);
    summary.add(simulation);
    expect(simulation.complaints, `npm run simulate -- --seed ${seed}`).toEqual([]);
  }
  // Or the rules would hold because nothing was put to the test.
  const totals = summary.totals();
  for (const fault of ['dies before', 'dies after', 'freezes before', 'throttled', 'lost', 'message twice', 'poison']) {
    expect(totals.get(fault), fault).toBeGreaterThan(5);
  }
  for (const end of ['succeeded', 'failed', 'failed run-crashed', 'failed run-expired', 'canceled']) {
    expect(totals.get(`runs ${end}`), end).toBeGreaterThan(5);
  }
  expect(totals.get('leases taken over')).toBeGreaterThan(50);
  expect(totals.get('metric RunCrashed')).toBeGreaterThan(5);
}, 120_000);

describe('a platform is found to be broken', () => {
  const BROKEN: Record<string, SimulationOptions> = {
    'that sweeps nothing': { isSwept: false },
    'whose store ignores the epoch': {
      sabotage({ runs }) {
        const { settle, suspend, renew } = runs;
        const present = (id: string, epoch: number) => runs.runs.get(id)?.run.epoch ?? epoch;
        runs.settle = (run, end) => settle({ ...run, epoch: present(run.id, run.epoch) }, end);
        runs.suspend = (run, to) => suspend({ ...run, epoch: present(run.id, run.epoch) }, to);
        runs.renew = (id, epoch, until) => renew(id, present(id, epoch), until);
      },
    },
    'that never releases a slot': {
      sabotage({ slots }) {
        slots.release = async () => ({ queued: 0 });
      },
    },
    'that promotes last what should be first': {
      sabotage({ slots }) {
        const { enqueue, isQueued, leaveQueue } = slots;
        const last = (run: Run): Run => ({ ...run, priority: 9 - run.priority });
        Object.assign(slots, {
          enqueue: (run: Run) => enqueue(last(run)),
          isQueued: (run: Run) => isQueued(last(run)),
          leaveQueue: (run: Run) => leaveQueue(last(run)),
        });
      },
    },
    'that never promotes a queued run': {
      sabotage({ slots }) {
        slots.promote = async () => [];
      },
    },
    'whose webhooks are not due while they are queued': {
      sabotage({ runs }) {
        const { settle, postponeDelivery } = runs;
        runs.settle = async (run, end) => {
          const settled = await settle(run, end);
          const { deliveries } = settled.kind === 'lost' ? { deliveries: [] } : settled;
          for (const it of deliveries) await postponeDelivery(it, Number.POSITIVE_INFINITY);
          return settled;
        };
      },
    },
    'that accepts runs without a time for the sweeper': {
      sabotage({ runs }) {
        const { create } = runs;
        runs.create = (fresh) => {
          const { dueAt, ...run } = fresh.run;
          return create({ ...fresh, run });
        };
      },
    },
    'that lets a unit end twice': {
      only: 'freezes before',
      sabotage({ runs }) {
        const { recordNode } = runs;
        runs.recordNode = async (run, record) => {
          const records = runs.runs.get(run.id)?.records as Map<string, unknown> | undefined;
          records?.delete(record.path);
          return recordNode(run, record);
        };
      },
    },
    'that does not count crashes': {
      sabotage({ runs }) {
        const { claim } = runs;
        runs.claim = async (id, asked) => {
          const answer = await claim(id, asked);
          const entry = runs.runs.get(id);
          if (answer.kind === 'claimed' && entry) entry.run = { ...entry.run, crashes: 0 };
          return answer.kind === 'claimed' ? { ...answer, run: { ...answer.run, crashes: 0 } } : answer;
        };
      },
    },
  };

  test.each(Object.entries(BROKEN))(
    '%s',
    async (_, options) => {
      let complaints: string[] = [];
      let seed = 0;
      while (complaints.length === 0 && seed < ENOUGH_SEEDS) {
        seed += 1;
        ({ complaints } = await simulate(seed, options));
      }
      expect(complaints, `none of ${ENOUGH_SEEDS} seeds noticed`).not.toEqual([]);
    },
    120_000,
  );
});
