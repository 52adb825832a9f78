// Which attempts were asked for by hand. Such an attempt does not use up the schedule.

import { WEBHOOK_SCHEDULE_SECONDS } from '../limits.ts';
import type { Delivery, DeliveryAttempt } from '../run.ts';

export function countScheduled(attempts: readonly DeliveryAttempt[]): number {
  return attempts.filter(({ manual }) => !manual).length;
}

/**
 * Whether the attempt that is due now was asked for by hand: the schedule alone would not make it, or not yet.
 * Derived from the delivery, not from the queue message, because a message may be lost.
 */
export function isManual({ attempts, nextAt = 0 }: Delivery): boolean {
  const last = attempts.at(-1);
  if (!last) return false;
  const { status = 0 } = last;
  if ((status >= 200 && status < 300) || status === 410) return true;
  const scheduled = WEBHOOK_SCHEDULE_SECONDS[countScheduled(attempts)];
  return scheduled === undefined || nextAt < last.at + scheduled * 1_000;
}
