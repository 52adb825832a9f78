// Which errors a Retry or Catch entry speaks of, and how long a retry waits.

import type { StateFailure } from './failure.ts';

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  MaxAttempts: number;
  BackoffRate: number;
  MaxDelaySeconds?: number | undefined;
  JitterStrategy: 'FULL' | 'NONE';
}

// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: what States.ALL does not match
const TERMINAL_ERRORS = ['States.DataLimitExceeded', 'States.Runtime'];

export function matchesError(errorEquals: readonly string[], { error }: StateFailure): boolean {
  if (error === 'States.Runtime') return false;
  return errorEquals.some((name) => {
    if (name === error) return true;
    if (TERMINAL_ERRORS.includes(error)) return false;
    return name === 'States.ALL' || (name === 'States.TaskFailed' && error !== 'States.Timeout');
  });
}

/** `attempt` is 1 for the first retry; `random` is uniform in [0, 1). */
export function retryDelaySeconds(retrier: Retrier, attempt: number, random: number): number {
  const grown = retrier.IntervalSeconds * retrier.BackoffRate ** (attempt - 1);
  const delay = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return retrier.JitterStrategy === 'FULL' ? delay * random : delay;
}
