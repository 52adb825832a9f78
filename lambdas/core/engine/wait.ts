// Units that wait: recorded before anybody is told, and how they go on.

import { HANDOFF_WAIT_SECONDS } from '../limits.ts';
import type { Outcome, Resumption } from '../nodes/node-kind.ts';
import type { NodeRecord, Signal } from '../run.ts';
import { bounded } from './attempt.ts';
import { buildFailure, fromThrown } from './conclude.ts';
import { endedState, record, usageWith } from './record.ts';
import { retryDelayMs } from './retry.ts';
import { type Attempt, type Slice, STOPPED, type Unit, type UnitEnd, type Wait } from './slice.ts';

export interface Begin {
  attempt: number;
  /** Of a unit that waited and goes on. */
  resume?: Resumption;
}

export const suspended = (waiting: NodeRecord): UnitEnd => ({
  kind: 'suspended',
  waits: [{ ...waiting.wait, kind: waiting.wait?.kind ?? 'timer', path: waiting.path }],
  yielded: false,
});

/** The signal that a wait is for. One of an earlier child says nothing of the present one. */
export function answerTo({ signals }: Pick<Slice, 'signals'>, wait: Wait): Signal | undefined {
  const signal = signals.get(wait.path);
  if (wait.child === undefined) return signal;
  const ended = (signal?.payload as { run?: unknown } | undefined)?.run;
  return ended === wait.child ? signal : undefined;
}

/** How a waiting unit goes on now; undefined while it still waits. */
export function resumption(slice: Slice, waiting: NodeRecord | undefined): Begin | undefined {
  const wait = waiting?.wait;
  if (wait === undefined) return undefined;
  const due = wait.until !== undefined && wait.until <= slice.ports.clock.now();
  if (wait.retry !== undefined) return due ? { attempt: wait.retry } : undefined;
  const signal = answerTo(slice, { ...wait, path: waiting?.path ?? '' });
  const attempt = waiting?.attempts ?? 1;
  const state = wait.state === undefined ? {} : { state: wait.state };
  if (signal) return { attempt, resume: { by: 'signal', signal, ...state } };
  if (due) return { attempt, resume: { by: 'timer', ...state } };
  // A crash came between the record of the wait and telling the other side: `run` again leads there.
  return wait.notified === false ? { attempt } : undefined;
}

/**
 * Before the next attempt. It is recorded, so that a crash does not begin to count anew; a short delay is then slept
 * here. Undefined means: try again now.
 */
export async function delayRetry(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  outcome: Extract<Outcome, { kind: 'failed' }>,
): Promise<UnitEnd | undefined> {
  const { clock, ids } = slice.ports;
  const retry = attempt.number + 1;
  const delayMs = Math.max(retryDelayMs(unit.node.retry, retry, ids.random()), outcome.retryAfterMs ?? 0);
  const error = buildFailure(slice, unit.path, outcome);
  slice.emit({ type: 'node.retrying', at: clock.now(), path: unit.path, attempt: retry, error, delayMs });
  const usage = usageWith(slice, unit, outcome.usage);
  const wait = { kind: 'timer', until: clock.now() + delayMs, retry } as const;
  const rested = await recordWait(slice, unit, attempt, { wait, error, usage });
  if (rested.kind !== 'suspended' || delayMs >= HANDOFF_WAIT_SECONDS * 1_000) return rested;
  await clock.sleep(delayMs, unit.signal);
  return unit.signal.aborted ? STOPPED : undefined;
}

/** Waits, once whoever must answer is told. What telling them came to ends the unit or its attempt. */
export async function waitFor(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  { wait: asked, notify }: Extract<Outcome, { kind: 'wait' }>,
): Promise<UnitEnd | Exclude<Outcome, { kind: 'wait' }>> {
  const wait = { ...asked, ...(notify && { notified: false }) };
  const rested = await recordWait(slice, unit, attempt, { wait });
  if (notify === undefined || rested.kind !== 'suspended') return rested;
  const told = await bounded(slice, unit, () => notify().catch((error: unknown) => fromThrown(slice, unit, error)));
  if (unit.signal.aborted) return STOPPED;
  if (told && told.kind !== 'wait') return told;
  return recordWait(slice, unit, attempt, { wait: { ...wait, notified: true } });
}

/** Records that the unit waits. */
async function recordWait(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  because: Required<Pick<NodeRecord, 'wait'>> & Pick<NodeRecord, 'error' | 'usage'>,
): Promise<UnitEnd> {
  const { wait } = because;
  const waiting = await record(slice, {
    path: unit.path,
    type: unit.node.type,
    status: 'waiting',
    attempts: attempt.number,
    startedAt: slice.records.get(unit.path)?.startedAt ?? attempt.startedAt,
    ...because,
  });
  if (waiting === undefined) return STOPPED;
  if (waiting.status !== 'waiting') return { kind: 'ended', state: endedState(waiting, unit.node) };
  // Told once whoever must answer knows of it; of a retry `node.retrying` tells.
  const isNews = wait.notified !== false && wait.retry === undefined;
  if (isNews) slice.emit({ type: 'node.waiting', at: slice.ports.clock.now(), path: unit.path, wait });
  return suspended(waiting);
}
