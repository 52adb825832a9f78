// One attempt: sends the request and says what came of it. When it is made, and what follows, belongs to deliver.ts.

import { ApiError } from '../errors.ts';
import { WEBHOOK_RESPONSE_LOG_CHARS } from '../limits.ts';
import { findHeaderSecrets, makeRedaction } from '../outbound/redact.ts';
import { readRetryAfter } from '../outbound/retry-after.ts';
import { HttpFault, type HttpFaultReason, type HttpRequest } from '../ports/http.ts';
import type { Ports } from '../ports/ports.ts';
import type { DeliveryAttempt } from '../run.ts';

export interface AttemptResult {
  attempt: DeliveryAttempt;
  /** Nobody was there, or nobody spoke. */
  hasNoResponse: boolean;
  retryAfterSeconds?: number;
}

const MIN_SECRET_CHARS = 6;
const NO_RESPONSE: readonly HttpFaultReason[] = ['timeout', 'connect', 'dns', 'tls'];

/** `own` are the headers of the caller. Whatever the receiver does is a result; only faults of the platform are thrown. */
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
    const isMissed = error instanceof HttpFault && NO_RESPONSE.includes(error.reason);
    return {
      hasNoResponse: isMissed,
      attempt: { at, durationMs: ports.clock.now() - at, error: describeFailure(error) },
    };
  }
}

// An address that became unsafe since the run was accepted (a name may be bound anew) fails like any other answer.
function describeFailure(error: unknown): string {
  if (error instanceof HttpFault) return `${error.reason}: ${error.message}`;
  if (error instanceof ApiError) return `${error.code}: ${error.message}`;
  throw error;
}

// The log is shown to people: control characters and those that turn the direction of text would deceive them. Of the
// caller's headers, which receivers like to quote, it tells nothing that could be a credential.
function cleanResponse(body: Uint8Array, own: Record<string, string>): string {
  const values = Object.values(own).flatMap(findHeaderSecrets);
  const { clean } = makeRedaction(values.filter(({ length }) => length >= MIN_SECRET_CHARS));
  const text = new TextDecoder().decode(body).replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, ' ');
  return Array.from(clean(text).trim()).slice(0, WEBHOOK_RESPONSE_LOG_CHARS).join('');
}
