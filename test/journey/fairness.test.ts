import { expect, test } from 'vitest';
import { demoClient } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { type Flooded, floodAndLittle } from '../support/two-tenants.ts';

const FLOOD = { count: 200, limit: 5 };

test("one tenant's flood starves nobody, and its own runs start in the order in which they came", async () => {
  await using runtime = await startTestRuntime();
  const flooded = await floodAndLittle(await demoClient(runtime), FLOOD);
  expect(flooded.besideMs).toHaveLength(10);
  // By order, because times under load say little: whoever queued behind the flood would end after nearly all of it.
  expect(flooded.endedMeanwhile).toBeLessThan(FLOOD.count / 2);
  // Those that get slots together may change places, and a queue message may come late.
  expect(furthestFromItsPlace(flooded)).toBeLessThanOrEqual(3 * FLOOD.limit);
}, 180_000);

function furthestFromItsPlace({ flood }: Flooded): number {
  const started = flood.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt));
  return Math.max(...flood.map((run, place) => Math.abs(started.indexOf(run) - place)));
}
