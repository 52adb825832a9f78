// The property of resuming: wherever a run is interrupted, it ends once, with the outputs that it would have had, no unit runs more
// often than its attempts and the interruptions allow, and nothing of it stays behind. `npm run properties` tries more of them.

import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import type { RunMode } from '../../lambdas/core/run.ts';
import { type Crash, drive, quiet } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { MAX_ATTEMPTS, shapes, type WorkOrder, writeSource } from '../support/random-flow.ts';

const RUNS = Number(process.env['ERRAND_PROPERTY_RUNS'] ?? 500);
const IDLE = { running: [], queued: 0, sync: [] };

// At most four, since the fifth would end the run as crashed.
const crashes = fc.array(
  fc.record<Crash>({
    atCall: fc.integer({ min: 1, max: 25 }),
    how: fc.constantFrom('dies before', 'dies after', 'freezes', 'fails'),
  }),
  { minLength: 1, maxLength: 4 },
);
const modes = fc.constantFrom<RunMode>('async', 'async', 'sync');

async function world(): Promise<{ platform: MemoryPlatform; calls: Map<string, number>; settled: string[] }> {
  const calls = new Map<string, number>();
  const settled: string[] = [];
  const functions: Functions = {
    async invoke({ payload }) {
      const { name, ms, item = '', seen, fails = 0 } = payload as unknown as WorkOrder;
      const unit = `${name}/${item}`;
      const nth = (calls.get(unit) ?? 0) + 1;
      calls.set(unit, nth);
      await platform.clock.sleep(ms);
      if (nth <= fails) return { kind: 'error', type: 'Flaky', message: 'Not yet', retryable: true };
      return { kind: 'answer', payload: { unit, saw: JSON.stringify(seen) } };
    },
  };
  const platform = await makePlatform({ functions });
  const { settle } = platform.runs;
  platform.ports.runs.settle = async (...its) => {
    const end = await settle(...its);
    if (end.kind === 'settled') settled.push(end.run.status);
    return end;
  };
  return { platform, calls, settled };
}

async function outcome(source: string, mode: RunMode, killing: readonly Crash[]) {
  const { platform, calls, settled } = await world();
  const run = await platform.accept(source, { mode, webhooks: [{ url: 'https://example.com' }] });
  const driven = await drive(platform, run.id, { crashes: killing });
  await quiet(platform);
  const record = await platform.runs.read(run.id);
  const slots = await platform.ports.slots.occupancy('acme');
  return { ...driven, calls, settled, outputs: record?.outputs, deliveries: record?.deliveries.length, slots };
}

// Loaded with the first template, which would take real time of a clock that does not stand for it.
beforeAll(() => import('liquidjs'));

test('a run that is interrupted ends as it would have', async () => {
  const struck = new Set<string>();
  let interruptions = 0;
  let repeated = 0;
  await fc.assert(
    fc.asyncProperty(shapes, modes, crashes, async (drawn, mode, killing) => {
      const source = writeSource(drawn);
      const calm = await outcome(source, mode, []);
      expect([calm.run.status, calm.run.error, calm.crashes]).toEqual(['succeeded', undefined, []]);
      for (const [unit, times] of calm.calls) expect(times, unit).toBeLessThanOrEqual(MAX_ATTEMPTS);

      const rough = await outcome(source, mode, killing);
      interruptions += rough.crashes.length;
      for (const where of rough.crashes) struck.add(where);
      expect([rough.run.status, rough.run.error]).toEqual(['succeeded', undefined]);
      expect(rough.outputs).toEqual(calm.outputs);
      expect([rough.settled, rough.deliveries, rough.slots]).toEqual([['succeeded'], 1, IDLE]);
      expect([...rough.calls.keys()].sort()).toEqual([...calm.calls.keys()].sort());
      for (const [unit, times] of rough.calls) {
        const planned = calm.calls.get(unit) ?? 0;
        if (times > planned) repeated += 1;
        expect(times, unit).toBeLessThanOrEqual(planned + rough.crashes.length);
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  // Or the property would hold because nothing was interrupted.
  expect(interruptions).toBeGreaterThan(RUNS);
  expect(repeated).toBeGreaterThan(RUNS / 20);
  expect([...struck]).toEqual(
    expect.arrayContaining(['claim', 'invoke', 'recordNode', 'suspend', 'settle', 'acquire']),
  );
}, 600_000);
