// When a failed attempt is retried. Pure; what counts as a failure belongs to deliver.ts.

import { WEBHOOK_RETRY_AFTER_MAX_SECONDS, WEBHOOK_SCHEDULE_SECONDS } from '../limits.ts';

// So that a receiver does not get all retries in the same second after an outage.
const JITTER = 0.1;

/**
 * Epoch milliseconds of the next attempt after `made` failed ones; undefined when the schedule is used up.
 * Never earlier than the schedule, never earlier than the receiver asked for (up to six hours), and up to 10 % later.
 */
export function scheduleNextAttempt(
  made: number,
  now: number,
  random: number,
  retryAfterSeconds = 0,
): number | undefined {
  const scheduled = WEBHOOK_SCHEDULE_SECONDS[made];
  if (scheduled === undefined) return undefined;
  const seconds = Math.max(scheduled, Math.min(retryAfterSeconds, WEBHOOK_RETRY_AFTER_MAX_SECONDS));
  return now + Math.round(seconds * 1_000 * (1 + JITTER * random));
}
