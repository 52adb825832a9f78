// One unit of work: a node, or one item of an `each`. Runs its attempts, its waits and its retries, and records the end.

import { MAX_UNITS } from '../limits.ts';
import { failed } from '../nodes/node-kind.ts';
import { attemptOnce, fits } from './attempt.ts';
import { conclude } from './conclude.ts';
import { endedState, sumUsage } from './record.ts';
import { mayRetry } from './retry.ts';
import { type Attempt, type Slice, STOPPED, type Unit, type UnitEnd, YIELDED } from './slice.ts';
import { type Begin, delayRetry, resumeUnit, waitFor } from './wait.ts';

export async function runUnit(slice: Slice, unit: Unit): Promise<UnitEnd> {
  const before = slice.records.get(unit.path);
  if (before && before.status !== 'waiting') return { kind: 'ended', state: endedState(before, unit.node) };
  if (unit.signal.aborted) return STOPPED;
  const resumed = before && resumeUnit(slice, before);
  if (resumed?.kind === 'suspended') return resumed;
  if (!fits(slice, unit)) return YIELDED;
  if (resumed !== undefined) return attempts(slice, unit, resumed.begin);
  slice.units += 1;
  const exceeded = budgetExceeded(slice);
  if (exceeded !== undefined) return conclude(slice, unit, beginAttempt(slice, 1), failed('budget-exceeded', exceeded));
  return attempts(slice, unit, { attempt: 1 });
}

/** Checked before a unit begins: what has begun may still end above it. */
function budgetExceeded({ units, plan: { settings }, records }: Slice): string | undefined {
  if (units > MAX_UNITS) return `A run has at most ${MAX_UNITS} units`;
  const { maxTokens, maxCostMicros } = settings;
  if (maxTokens === undefined && maxCostMicros === undefined) return undefined;
  const { totalTokens, costMicros } = sumUsage(records.values()).usage;
  if (maxTokens !== undefined && totalTokens >= maxTokens)
    return `The run has used ${totalTokens} of its ${maxTokens} tokens`;
  if (maxCostMicros !== undefined && costMicros > 0 && costMicros >= maxCostMicros) {
    return `The run has cost ${costMicros / 1e6} of its ${maxCostMicros / 1e6} dollars`;
  }
  return undefined;
}

const beginAttempt = (slice: Slice, number: number): Attempt => ({ number, startedAt: slice.ports.clock.now() });

async function attempts(slice: Slice, unit: Unit, begin: Begin): Promise<UnitEnd> {
  for (let number = begin.attempt; ; number += 1) {
    const attempt = beginAttempt(slice, number);
    const end = await attemptOnce(slice, unit, attempt, number === begin.attempt ? begin.resume : undefined);
    const outcome = end.kind === 'wait' ? await waitFor(slice, unit, attempt, end) : end;
    if (outcome.kind === 'done') return conclude(slice, unit, attempt, outcome);
    if (outcome.kind !== 'failed') return outcome;
    // Nobody knows whether it failed of its own accord.
    if (unit.signal.aborted) return STOPPED;
    if (!mayRetry(unit.node.retry, number, outcome)) return conclude(slice, unit, attempt, outcome);
    const retried = await delayRetry(slice, unit, attempt, outcome);
    if (retried.kind !== 'retry') return retried;
  }
}
