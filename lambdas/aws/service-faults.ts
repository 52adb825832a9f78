// What the AWS SDK throws when a service throttles or does not answer, as the core's ServiceUnavailable. The one place
// that knows these names. Errors with a meaning of their own (a failed condition) are read by the stores before.

import { ServiceUnavailable } from '../core/errors.ts';

/** Names by which AWS services say "later"; the SDK has retried before we see one. */
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

function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $fault, $retryable } = error as Error & {
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

const translate = (error: unknown): unknown => (isTransient(error) ? new ServiceUnavailable(error) : error);

/** The same port, whose methods throw ServiceUnavailable in place of such errors. */
export function translateFaults<Port extends object>(port: Port): Port {
  const methods = Object.entries(port).map(([name, method]) => {
    if (typeof method !== 'function') return [name, method];
    const translated = (...input: unknown[]): unknown => {
      const result: unknown = method.apply(port, input);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw translate(error);
      });
    };
    return [name, translated];
  });
  return Object.fromEntries(methods) as Port;
}
