// Claimed runs that must not run any more.

import { MAX_CRASHES } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';
import { CRASHED, EXPIRED, settleRun } from './settle.ts';

/** A claimed run that must not run: canceled, past its deadline, or after too many crashes of its workers. */
export async function settleIfUnrunnable(ports: Ports, run: Run): Promise<boolean> {
  const end = reasonToEnd(run, ports.clock.now());
  if (!end) return false;
  const { usage, handledErrors } = run;
  await settleRun(ports, run, { ...end, outputs: null, usage, handledErrors, endedAt: ports.clock.now() });
  return true;
}

function reasonToEnd(run: Run, now: number) {
  if (run.cancelRequested) return { status: 'canceled' as const };
  if (now >= run.deadlineAt) return EXPIRED;
  return run.crashes >= MAX_CRASHES ? CRASHED : undefined;
}
