// Sends one request for a node and turns the response or the fault into an Outcome.

import { ApiError } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import { MAX_HTTP_BODY_BYTES } from '../../limits.ts';
import { readRetryAfter } from '../../outbound/retry-after.ts';
import { type HttpAnswer, HttpFault, type HttpFaultReason, type HttpRequest } from '../../ports/http.ts';
import { done, failed, type NodeContext, type Outcome } from '../node-kind.ts';
import { makeRedactor, type Redactor } from './redact.ts';
import { composeRequest, type RequestInput } from './request.ts';
import { isExpected, isRetryableStatus, type Parse, readBody, readText } from './response.ts';
import { UnreadableResponse } from './unreadable-response.ts';

const EXCERPT_CHARS = 500;

// A wrong certificate or a response that is too large will be the same at the next attempt.
const RETRYABLE = {
  timeout: true,
  aborted: true,
  dns: true,
  connect: true,
  tls: false,
  protocol: true,
  'too-large': false,
} as const satisfies Record<HttpFaultReason, boolean>;

/** Paths and queries stay out of messages: they hold tokens and personal data. */
const nameRequest = (request: HttpRequest): string =>
  `${request.method} ${URL.parse(request.url)?.origin ?? 'the address'}`;

function reportFault(error: unknown): Outcome {
  if (error instanceof ApiError) return failed(error.code, error.message);
  if (!(error instanceof HttpFault)) throw error;
  const code = error.reason === 'timeout' ? 'node-timed-out' : 'node-failed';
  return failed(code, error.message, { retryable: RETRYABLE[error.reason] });
}

function reportStatus(
  context: NodeContext,
  { request, answer, redact }: { request: HttpRequest; answer: HttpAnswer; redact: Redactor },
): Outcome {
  const seconds = readRetryAfter(answer.headers['retry-after'], context.now());
  // Redacted before it is cut: the cut could split a secret, which would then not be found.
  const excerpt = redact.text(readText(answer).trim()).slice(0, EXCERPT_CHARS);
  return failed(`http-${answer.status}`, `${nameRequest(request)} answered ${answer.status}`, {
    retryable: isRetryableStatus(answer.status),
    ...(seconds !== undefined && { retryAfterMs: seconds * 1_000 }),
    ...(excerpt && { details: [{ field: 'body', message: excerpt }] }),
  });
}

async function keepAsFile(
  context: NodeContext,
  request: HttpRequest,
  { body, headers }: HttpAnswer,
): Promise<JsonObject> {
  const [, declared] = /filename="?([^";]+)/i.exec(headers['content-disposition'] ?? '') ?? [];
  const name = declared ?? URL.parse(request.url)?.pathname.split('/').at(-1) ?? '';
  const type = (headers['content-type'] ?? 'application/octet-stream').replace(/;.*$/s, '').trim();
  return { files: [await context.files.keep({ bytes: body, name: name.slice(0, 255) || 'file', type })] };
}

async function readResponse(
  context: NodeContext,
  { request, answer, parse }: { request: HttpRequest; answer: HttpAnswer; parse: Parse },
): Promise<Outcome> {
  if (answer.truncated) {
    return failed('node-failed', `${nameRequest(request)} answered with more than ${request.maxBytes} bytes`);
  }
  try {
    const read =
      parse === 'file' ? await keepAsFile(context, request, answer) : await readBody(answer, parse, request.url);
    return done({ status: answer.status, headers: answer.headers, ...read });
  } catch (error) {
    if (error instanceof UnreadableResponse)
      return failed('node-failed', `${nameRequest(request)} answered, but ${error.message}`);
    throw error;
  }
}

/** The author's own content type wins over the file's. */
async function withFile(context: NodeContext, input: RequestInput, request: HttpRequest): Promise<HttpRequest> {
  if (input.bodyType !== 'file') return request;
  const { bytes, type } = await context.files.open(input.body ?? null, MAX_HTTP_BODY_BYTES);
  const isSet = Object.keys(input.headers ?? {}).some((name) => name.toLowerCase() === 'content-type');
  const headers = { ...request.headers, ...(!isSet && { 'content-type': type || 'application/octet-stream' }) };
  return { ...request, headers, body: bytes };
}

export async function sendRequest(
  context: NodeContext,
  input: RequestInput,
  how: { parse: Parse; timeoutMs: number },
): Promise<Outcome> {
  const request = await withFile(context, input, composeRequest(context, input, how.timeoutMs));
  const redact = makeRedactor(context.secrets, request);
  try {
    const answer = await context.ports.http.send(request);
    const outcome = isExpected(answer.status, input.expect)
      ? await readResponse(context, { request, answer, parse: how.parse })
      : reportStatus(context, { request, answer, redact });
    return redact.outcome(outcome, answer);
  } catch (error) {
    return redact.outcome(reportFault(error));
  }
}
