// Reads the webhooks of a request. Whether an address may be called belongs to the guarded client.

import * as z from 'zod';
import { ApiError, type ErrorDetail } from '../errors.ts';
import { MAX_WEBHOOKS, WEBHOOK_MAX_HEADER_BYTES, WEBHOOK_MAX_HEADERS, WEBHOOK_MAX_URL_CHARS } from '../limits.ts';
import { findHeaderProblem } from '../outbound/safe-headers.ts';
import type { HttpClient } from '../ports/http.ts';
import type { Webhook } from '../run.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

const headersSchema = z.record(z.string(), z.string()).superRefine((headers, context) => {
  const refuse = (message: string, path: string[] = []) => context.addIssue({ code: 'custom', message, path });
  const names = Object.keys(headers);
  if (names.length > WEBHOOK_MAX_HEADERS) refuse(`there are at most ${WEBHOOK_MAX_HEADERS} headers`);
  const bytes = Object.entries(headers).reduce((sum, pair) => sum + Buffer.byteLength(pair.join(': ')), 0);
  if (bytes > WEBHOOK_MAX_HEADER_BYTES) refuse(`headers have at most ${WEBHOOK_MAX_HEADER_BYTES} bytes in total`);
  if (new Set(names.map((it) => it.toLowerCase())).size < names.length) refuse('a header occurs twice');
  for (const [name, value] of Object.entries(headers)) {
    const problem = findProblem(name, value);
    if (problem) refuse(problem, [name]);
  }
});

/** One webhook as the native API takes it; GPTBots writes it alike. */
export const webhookSchema = z.strictObject({
  url: z.string().min(1).max(WEBHOOK_MAX_URL_CHARS),
  method: z
    .string()
    .transform((method) => method.toUpperCase())
    .pipe(z.enum(METHODS, `must be one of ${METHODS.join(', ')}`))
    .default('POST'),
  headers: headersSchema.optional(),
});

/**
 * The checked webhooks, or an ApiError that names every wrong entry as the caller wrote it (`webhooks[2].url`):
 * invalid-request, too-many-webhooks or unsafe-url. `field` is the name of the list in the caller's dialect.
 */
export function readWebhooks(value: unknown, http: Pick<HttpClient, 'check'>, field = 'webhooks'): Webhook[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw makeRejection('invalid-request', [{ field, message: 'must be a list' }]);
  if (value.length > MAX_WEBHOOKS) {
    const message = `has ${value.length} entries; a run has at most ${MAX_WEBHOOKS}`;
    throw makeRejection('too-many-webhooks', [{ field: `${field}[${MAX_WEBHOOKS}]`, message: `${field} ${message}` }]);
  }
  const parsed = z.array(webhookSchema).safeParse(value);
  if (!parsed.success) throw makeRejection('invalid-request', toDetails(parsed.error, field));
  const unsafe = parsed.data.flatMap(({ url }, index) => findUnsafeUrl(http, url, `${field}[${index}].url`));
  if (unsafe.length > 0) throw makeRejection('unsafe-url', unsafe);
  return parsed.data.map(({ url, method, headers }) => ({ url, method, headers }));
}

// Only we may set the signature: a caller could otherwise send a receiver a message with another sender's signature.
function findProblem(name: string, value: string): string | undefined {
  if (name.toLowerCase().startsWith('webhook-')) return `Header '${name}' is set by the platform`;
  return findHeaderProblem(name, value);
}

function findUnsafeUrl(http: Pick<HttpClient, 'check'>, url: string, field: string): ErrorDetail[] {
  try {
    http.check(url);
    return [];
  } catch (error) {
    if (error instanceof ApiError) return [{ field, message: error.message }];
    throw error;
  }
}

function toDetails(error: z.ZodError, field: string): ErrorDetail[] {
  return error.issues.flatMap((issue) => {
    const at = issue.path.reduce<string>(
      (name, step) => name + (typeof step === 'number' ? `[${step}]` : `.${String(step)}`),
      field,
    );
    // Refused: an unknown field would be lost without an error.
    if (issue.code !== 'unrecognized_keys') return [{ field: at, message: issue.message }];
    return issue.keys.map((key) => ({ field: `${at}.${key}`, message: 'is not a known field' }));
  });
}

function makeRejection(code: 'invalid-request' | 'too-many-webhooks' | 'unsafe-url', details: ErrorDetail[]): ApiError {
  const [first] = details;
  return new ApiError(code, first && `${first.field}: ${first.message}`, { details });
}
