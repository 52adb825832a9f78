// A run that outlives its slice or must wait goes to Step Functions.

import type { Ports } from '../ports.ts';
import type { Run } from '../run.ts';
import type { SliceEnd } from './run-slice.ts';

/** Starts the execution that goes on with a suspended run. If it cannot, the sweeper rings the run when it is due. */
export async function handOver(
  ports: Ports,
  { run, yielded }: Extract<SliceEnd, { kind: 'suspended' }>,
): Promise<void> {
  const park = yielded ? {} : { parkSeconds: parkSeconds(run, ports.clock.now()) };
  try {
    await ports.machine.start({ runId: run.id, handover: run.handovers, ...park });
  } catch (error) {
    ports.log.warn('a run could not be handed to the machine; the sweeper will ring it', { run: run.id, error });
  }
}

/** Until the run's earliest timer, or its deadline where it has none. */
export function parkSeconds(run: Run, now: number): number {
  const until = Math.min(run.wakeAt ?? run.deadlineAt, run.deadlineAt);
  return Math.max(1, Math.ceil((until - now) / 1_000));
}
