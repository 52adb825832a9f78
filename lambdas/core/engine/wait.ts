// Waits of units: when one is due, which signal answers it, how its unit goes on, and how long a slice waits for it itself
// before it suspends the run. Each wait is recorded before anybody is notified.

import { HANDOFF_WAIT_SECONDS } from '../limits.ts';
import type { Outcome, Resumption } from '../nodes/node-kind.ts';
import type { NodeRecord, Run, Signal } from '../run.ts';
import { needsSlot } from '../runs/admission.ts';
import { findChildEnd } from '../runs/child-signal.ts';
import { bounded } from './attempt.ts';
import { buildFailure, fromThrown } from './conclude.ts';
import { endedState, record, usageWith } from './record.ts';
import { retryDelayMs } from './retry.ts';
import { type Attempt, type Slice, STOPPED, type Suspended, type Unit, type UnitEnd, type Wait } from './slice.ts';

export interface Begin {
  attempt: number;
  /** Of a unit that waited and goes on. */
  resume?: Resumption;
}

type Signals = Pick<Slice, 'signals'>;

/** The signal that answers a wait. A timer takes none; one of an earlier child says nothing of the present one. */
function findAnswer({ signals }: Signals, wait: Wait): Signal | undefined {
  if (wait.child !== undefined) return findChildEnd(signals, wait.path, wait.child);
  return wait.kind === 'timer' ? undefined : signals.get(wait.path);
}

const isTimeUp = (slice: Slice, { until }: Pick<Wait, 'until'>): boolean =>
  until !== undefined && until <= slice.ports.clock.now();

/** Whether one of the waits is over: its time is up, or its signal is there. */
export function isDue(slice: Slice, { waits }: Suspended): boolean {
  return waits.some((wait) => isTimeUp(slice, wait) || findAnswer(slice, wait) !== undefined);
}

/** How a recorded unit that has not ended goes on: with which attempt, or waiting as before. */
export function resumeUnit(slice: Slice, recorded: NodeRecord): { kind: 'begin'; begin: Begin } | Suspended {
  const begin = recorded.wait === undefined ? { attempt: 1 } : resumption(slice, recorded);
  return begin === undefined ? suspendUnit(recorded) : { kind: 'begin', begin };
}

/** Undefined while the unit still waits. */
function resumption(slice: Slice, { path, wait: recorded, attempts: attempt }: NodeRecord): Begin | undefined {
  const wait: Wait = { kind: 'timer', ...recorded, path };
  const isOver = isTimeUp(slice, wait);
  if (wait.retry !== undefined) return isOver ? { attempt: wait.retry } : undefined;
  const signal = findAnswer(slice, wait);
  const state = wait.state === undefined ? {} : { state: wait.state };
  if (signal) return { attempt, resume: { by: 'signal', signal, ...state } };
  if (isOver) return { attempt, resume: { by: 'timer', ...state } };
  // A crash came between the record of the wait and the notification: `run` again leads there.
  return wait.notified === false ? { attempt } : undefined;
}

const suspendUnit = ({ wait, path }: NodeRecord): Suspended => ({
  kind: 'suspended',
  waits: [{ kind: 'timer', ...wait, path }],
  yielded: false,
});

/**
 * Before the next attempt. It is recorded, so that a crash does not begin to count anew; a short delay is then slept
 * here, after which the unit may `retry` at once.
 */
export async function delayRetry(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  outcome: Extract<Outcome, { kind: 'failed' }>,
): Promise<UnitEnd | { kind: 'retry' }> {
  const { clock, ids } = slice.ports;
  const retry = attempt.number + 1;
  const delayMs = Math.max(retryDelayMs(unit.node.retry, retry, ids.random()), outcome.retryAfterMs ?? 0);
  const error = buildFailure(slice, unit.path, outcome);
  slice.emit({ type: 'node.retrying', at: clock.now(), path: unit.path, attempt: retry, error, delayMs });
  const usage = usageWith(slice, unit, outcome.usage);
  const wait = { kind: 'timer', until: clock.now() + delayMs, retry } as const;
  const end = await recordWait(slice, unit, attempt, { wait, error, usage });
  if (end.kind !== 'suspended' || !isInline(delayMs)) return end;
  await clock.sleep(delayMs, unit.signal);
  return unit.signal.aborted ? STOPPED : { kind: 'retry' };
}

/** Waits, once whoever must answer is notified. What came of the notification may end the unit or its attempt. */
export async function waitFor(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  { wait: asked, notify }: Extract<Outcome, { kind: 'wait' }>,
): Promise<UnitEnd | Exclude<Outcome, { kind: 'wait' }>> {
  const wait = { ...asked, ...(notify && { notified: false }) };
  const end = await recordWait(slice, unit, attempt, { wait });
  if (notify === undefined || end.kind !== 'suspended') return end;
  const outcome = await bounded(slice, unit, () => notify().catch((error: unknown) => fromThrown(slice, unit, error)));
  if (unit.signal.aborted) return STOPPED;
  if (outcome && outcome.kind !== 'wait') return outcome;
  return recordWait(slice, unit, attempt, { wait: outcome?.wait ?? { ...wait, notified: true } });
}

async function recordWait(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  because: Required<Pick<NodeRecord, 'wait'>> & Pick<NodeRecord, 'error' | 'usage'>,
): Promise<UnitEnd> {
  const { wait } = because;
  const recorded = await record(slice, {
    path: unit.path,
    type: unit.node.type,
    status: 'waiting',
    attempts: attempt.number,
    startedAt: slice.records.get(unit.path)?.startedAt ?? attempt.startedAt,
    ...because,
  });
  if (recorded.kind === 'lost') return STOPPED;
  const { current } = recorded;
  if (current.status !== 'waiting') return { kind: 'ended', state: endedState(current, unit.node) };
  // Reported once whoever must answer knows of it; a retry is reported by `node.retrying`.
  const isNews = wait.notified !== false && wait.retry === undefined;
  if (isNews) slice.emit({ type: 'node.waiting', at: slice.ports.clock.now(), path: unit.path, wait });
  return suspendUnit(current);
}

/** Several suspended units as one: of a graph, or of the items of an `each`. */
export function joinSuspended(all: readonly Suspended[]): Suspended {
  return {
    kind: 'suspended',
    waits: all.flatMap(({ waits }) => waits),
    yielded: all.some(({ yielded }) => yielded),
  };
}

/** A short wait is spent in the slice: leaving it costs more than waiting. */
const isInline = (ms: number): boolean => ms < HANDOFF_WAIT_SECONDS * 1_000;

/** When the earliest timer is due; undefined where no wait has one. */
export function earliestTimer(waits: readonly Wait[]): number | undefined {
  const timers = waits.flatMap(({ until }) => until ?? []);
  return timers.length > 0 ? Math.min(...timers) : undefined;
}

/** Waits here until a wait may be due. False, at once, where the slice had better end. */
export async function waitInline(slice: Slice, { waits, yielded }: Suspended, signal: AbortSignal): Promise<boolean> {
  const until = limitInline(slice, waits);
  // What was too long for the rest of this slice had better begin elsewhere at once.
  if (until === undefined || yielded) return false;
  if (!isInline(until - slice.ports.clock.now()) || until >= slice.budgetUntil) return false;
  await waitForChange(slice, until, { signal, running: [] });
  return true;
}

/** Until when the slice may wait; undefined where it had better not. */
function limitInline({ records, run, ports }: Slice, waits: readonly Wait[]): number | undefined {
  const until = earliestTimer(waits);
  const children = waits.filter(({ child }) => child !== undefined);
  if (until === undefined || children.length === 0) return until;
  // A child may need the very slot that this run holds.
  if (needsSlot(run)) return undefined;
  const newest = Math.max(...children.map(({ path }) => records.get(path)?.startedAt ?? 0));
  const limit = Math.min(until, newest + HANDOFF_WAIT_SECONDS * 1_000 - 1);
  return limit > ports.clock.now() ? limit : undefined;
}

/** Until the time has come, a signal has come in, the graph is over, or one of the running nodes has ended. */
export async function waitForChange(
  { ports: { clock }, changed }: Slice,
  until: number | undefined,
  { signal, running }: { signal?: AbortSignal; running: Iterable<Promise<void>> },
): Promise<void> {
  const over = new AbortController();
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const timer = until === undefined ? [] : [clock.sleep(until - clock.now(), stop)];
  await Promise.race([...running, ...timer, changed()]);
  over.abort();
}

/** What the record of a suspended run says of its waits: whom it waits for, and when the earliest timer is due. */
export function summarizeWaits(waits: readonly Wait[]): Pick<Run, 'waitingFor' | 'wakeAt'> {
  const waitingFor = waits.find(({ kind }) => kind !== 'timer')?.kind ?? waits[0]?.kind;
  return { waitingFor, wakeAt: earliestTimer(waits) };
}
