// When an accepted run begins, by when it must have ended, and when the sweeper looks at it first.

import { ApiError } from '../errors.ts';
import type { Plan } from '../flow/plan.ts';
import { LEASE_SECONDS, QUEUE_DELAY_MAX_SECONDS, RUN_CEILING_SECONDS, UNPICKED_SECONDS } from '../limits.ts';
import type { Run } from '../run.ts';
import type { Submission } from './submit.ts';

interface Times {
  startAfter: string | undefined;
  timeoutMs: number | undefined;
  plan: Plan;
}

/** A sync run begins with its lease held by us; an async one is due for the sweeper if nobody picks it up. */
export function scheduleRun(
  now: number,
  { mode, notAfter = Number.POSITIVE_INFINITY }: Submission,
  { startAfter, timeoutMs = Number.POSITIVE_INFINITY, plan }: Times,
): Pick<Run, 'deadlineAt'> & Partial<Run> {
  const start = startAfter === undefined ? now : Math.max(now, Date.parse(startAfter));
  const ceiling = now + RUN_CEILING_SECONDS * 1_000;
  if (start >= ceiling) {
    const message = 'is more than 24 hours away, when every run has ended';
    throw new ApiError('invalid-request', `startAfter ${message}`, {
      details: [{ field: 'startAfter', message }],
    });
  }
  // Time that a run waits for its `startAfter` does not count for the flow.
  const deadlineAt = Math.min(ceiling, notAfter, start + Math.min(plan.settings.timeoutMs, timeoutMs));
  if (mode !== 'async') {
    const leaseUntil = now + LEASE_SECONDS * 1_000;
    return { status: 'running', epoch: 1, startedAt: now, leaseUntil, dueAt: leaseUntil, deadlineAt };
  }
  const isEnqueued = start - now <= QUEUE_DELAY_MAX_SECONDS * 1_000;
  const dueAt = Math.min(start + (isEnqueued ? UNPICKED_SECONDS * 1_000 : 0), deadlineAt);
  return { deadlineAt, dueAt, ...(start > now && { startAfter: start }) };
}

/** The delay of the run's queue message; undefined where only the sweeper can wait for so long. */
export function queueDelaySeconds({ startAfter, createdAt }: Run): number | undefined {
  const delaySeconds = startAfter === undefined ? 0 : Math.ceil((startAfter - createdAt) / 1_000);
  return delaySeconds > QUEUE_DELAY_MAX_SECONDS ? undefined : delaySeconds;
}
