// From whatever was thrown to what a caller may know. Faults are logged here, once; their detail never leaves.

import { ApiError, ServiceUnavailable } from '../core/errors.ts';
import type { Log } from '../core/ports/ports.ts';

const RETRY_AFTER_SECONDS = 2;

/** `context` says in the log which request it was. */
export function toRejection(thrown: unknown, log: Log, context: { request: { id: string }; route?: string }): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const isTransient = thrown instanceof ServiceUnavailable;
  log.error(isTransient ? 'A service of the platform did not answer' : 'The request failed', {
    error: thrown,
    requestId: context.request.id,
    route: context.route,
  });
  return isTransient
    ? new ApiError('unavailable', undefined, { cause: thrown, retryAfterSeconds: RETRY_AFTER_SECONDS })
    : new ApiError('internal', undefined, { cause: thrown });
}
