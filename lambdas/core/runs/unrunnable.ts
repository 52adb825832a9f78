// Claimed runs that must not run any more.

import { MAX_CRASHES } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import { CRASHED, EXPIRED, settleRun } from './settle.ts';

/**
 * A claimed run that must not run: canceled, past its deadline, after too many crashes of its workers, or when the run that
 * waits for it has ended.
 */
export async function settleIfUnrunnable(ports: Ports, run: Run): Promise<boolean> {
  const end = reasonToEnd(run, ports.clock.now()) ?? (await isUnwanted(ports, run));
  if (!end) return false;
  const { usage, handledErrors } = run;
  await settleRun(ports, run, { ...end, outputs: null, usage, handledErrors, endedAt: ports.clock.now() });
  return true;
}

/** A process that had lost its parent's lease may have started it after the parent's end. */
async function isUnwanted({ runs }: Ports, { parent }: Run) {
  if (!parent?.awaited) return undefined;
  const waiting = await runs.get(parent.run);
  return waiting && isSettled(waiting.status) ? ({ status: 'canceled' } as const) : undefined;
}

function reasonToEnd(run: Run, now: number) {
  if (run.cancelRequested) return { status: 'canceled' as const };
  if (now >= run.deadlineAt) return EXPIRED;
  return run.crashes >= MAX_CRASHES ? CRASHED : undefined;
}
