// From whatever was thrown to what a caller may know. Faults are logged here, once; their detail never leaves.

import { ApiError } from '../core/errors.ts';
import type { Log } from '../core/ports/ports.ts';

/** Names by which AWS services say "later"; its SDK has retried before we see one. */
const THROTTLES = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);
const UNREACHABLE = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT']);
const RETRY_AFTER_SECONDS = 2;

function isBrief(fault: unknown): boolean {
  if (!(fault instanceof Error)) return false;
  const { name, code, $fault, $retryable } = fault as Error & {
    code?: unknown;
    $fault?: unknown;
    $retryable?: unknown;
  };
  return (
    THROTTLES.has(name) ||
    name === 'TimeoutError' ||
    UNREACHABLE.has(String(code)) ||
    $fault === 'server' ||
    $retryable !== undefined
  );
}

/** `context` says in the log which request it was. */
export function toRejection(thrown: unknown, log: Log, context: { request: { id: string }; route?: string }): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const brief = isBrief(thrown);
  log.error(brief ? 'A service of the platform did not answer' : 'The request failed', {
    error: thrown,
    requestId: context.request.id,
    route: context.route,
  });
  return brief
    ? new ApiError('unavailable', undefined, { cause: thrown, retryAfterSeconds: RETRY_AFTER_SECONDS })
    : new ApiError('internal', undefined, { cause: thrown });
}
