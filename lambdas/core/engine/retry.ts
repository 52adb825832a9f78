// When a node is tried again: pure, so that a test can ask for any attempt.

import type { RetryPolicy } from '../flow/plan.ts';

/** Delay before attempt `attempt` (2 is the first repeat); `random` in [0, 1) spreads it over its upper half. */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const full = Math.min(policy.maxDelayMs, policy.delayMs * policy.backoff ** (attempt - 2));
  return Math.round(policy.jitter ? full / 2 + (full / 2) * random : full);
}

export function mayRetry(policy: RetryPolicy, attempt: number, failure: { code: string; retryable: boolean }): boolean {
  if (attempt > policy.max) return false;
  return policy.on ? policy.on.includes(failure.code) : failure.retryable;
}
