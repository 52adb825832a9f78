// One attempt: sends the request and returns the result. When it is made, and what follows, belongs to deliver.ts.

import { ApiError } from '../errors.ts';
import { WEBHOOK_RESPONSE_LOG_CHARS } from '../limits.ts';
import { findHeaderSecrets, makeRedaction } from '../outbound/redact.ts';
import { readRetryAfter } from '../outbound/retry-after.ts';
import { HttpFault, type HttpFaultReason, type HttpRequest } from '../ports/http.ts';
import type { Ports } from '../ports/ports.ts';
import type { DeliveryAttempt } from '../run.ts';

export interface AttemptResult {
  attempt: DeliveryAttempt;
  /** The receiver could not be reached, or did not answer. */
  hasNoResponse: boolean;
  retryAfterSeconds?: number;
}

const MIN_SECRET_CHARS = 6;
const NO_RESPONSE: readonly HttpFaultReason[] = ['timeout', 'connect', 'dns', 'tls'];

/** `own` are the headers of the caller. Whatever the receiver does is a result; only platform faults are thrown. */
export async function makeAttempt(
  ports: Pick<Ports, 'clock' | 'http'>,
  { request, own = {} }: { request: HttpRequest; own?: Record<string, string> | undefined },
  at: number,
): Promise<AttemptResult> {
  try {
    const { status, headers, body, durationMs } = await ports.http.send(request);
    const response = cleanResponse(body, own);
    const retryAfterSeconds = readRetryAfter(headers['retry-after'], ports.clock.now());
    return {
      hasNoResponse: false,
      attempt: { at, durationMs, status, ...(response !== '' && { response }) },
      retryAfterSeconds,
    };
  } catch (error) {
    const hasNoResponse = error instanceof HttpFault && NO_RESPONSE.includes(error.reason);
    return {
      hasNoResponse,
      attempt: { at, durationMs: ports.clock.now() - at, error: describeFailure(error) },
    };
  }
}

// An address that became unsafe after the run was accepted (DNS may change) is a failed attempt like any other.
function describeFailure(error: unknown): string {
  if (error instanceof HttpFault) return `${error.reason}: ${error.message}`;
  if (error instanceof ApiError) return `${error.code}: ${error.message}`;
  throw error;
}

// People read the log: control characters and those that change the direction of text would mislead them. Receivers often
// quote the caller's headers, so values that could be credentials are removed.
function cleanResponse(body: Uint8Array, own: Record<string, string>): string {
  const values = Object.values(own).flatMap(findHeaderSecrets);
  const { clean } = makeRedaction(values.filter(({ length }) => length >= MIN_SECRET_CHARS));
  const text = new TextDecoder().decode(body).replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, ' ');
  return Array.from(clean(text).trim()).slice(0, WEBHOOK_RESPONSE_LOG_CHARS).join('');
}
