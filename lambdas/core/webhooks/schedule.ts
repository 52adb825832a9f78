// When a webhook is tried again. Pure; what counts as a failure belongs to deliver.ts.

import { WEBHOOK_SCHEDULE_SECONDS } from '../limits.ts';

// Receivers that come back from an outage should not be met by every sender in the same second.
const JITTER = 0.1;
const RETRY_AFTER_MAX_SECONDS = 6 * 60 * 60;

/**
 * Epoch milliseconds of the next attempt after `made` failed ones; undefined when the schedule is used up.
 * Never earlier than the schedule, never earlier than the receiver asked for (up to six hours), and up to 10 % later.
 */
export function nextAttemptAt(made: number, now: number, random: number, retryAfterSeconds = 0): number | undefined {
  const scheduled = WEBHOOK_SCHEDULE_SECONDS[made];
  if (scheduled === undefined) return undefined;
  const seconds = Math.max(scheduled, Math.min(retryAfterSeconds, RETRY_AFTER_MAX_SECONDS));
  return now + Math.round(seconds * 1_000 * (1 + JITTER * random));
}

/** Seconds that a `Retry-After` header asks for, as a number or an HTTP date; undefined where it says neither. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // Only the forms of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 : Date.parse would also take '2' or 'May'.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}
