// A run that outlives its slice or must wait goes to Step Functions.

import { CRASHES_UNTIL_ISOLATED, SWEEP_PERIOD_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';
import type { SliceEnd } from './slice-end.ts';

/** Starts the execution that goes on with a suspended run. If it cannot, the sweeper enqueues the run when it is due. */
export async function startHandoff(
  ports: Ports,
  { run, yielded }: Extract<SliceEnd, { kind: 'suspended' }>,
): Promise<void> {
  const park = yielded ? {} : { parkSeconds: parkSeconds(run, ports.clock.now()) };
  try {
    await ports.machine.start({ runId: run.id, handoff: run.handoffs, ...park });
  } catch (error) {
    ports.log.warn('a run could not be handed to the machine; the sweeper will enqueue it', { run: run.id, error });
  }
}

/**
 * A run that has crashed its worker before goes to an execution of its own, where a crash ends no other run's slice.
 * Undefined where it may be run here, or something came in that a slice should look at.
 */
export async function isolate(ports: Ports, run: Run): Promise<SliceEnd | undefined> {
  if (run.crashes < CRASHES_UNTIL_ISOLATED) return undefined;
  const { usage, handledErrors, deadlineAt } = run;
  const dueAt = Math.min(ports.clock.now() + SWEEP_PERIOD_SECONDS * 1_000, deadlineAt);
  const result = await ports.runs.suspend(run, { status: 'running', dueAt, handoff: true, usage, handledErrors });
  if (result.kind === 'suspended') return { ...result, yielded: true };
  return result.kind === 'lost' ? result : undefined;
}

/** Until the run's earliest timer, or its deadline where it has none. */
export function parkSeconds(run: Run, now: number): number {
  const until = Math.min(run.wakeAt ?? run.deadlineAt, run.deadlineAt);
  return Math.max(1, Math.ceil((until - now) / 1_000));
}
