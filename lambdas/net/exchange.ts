// One HTTP exchange with one server: sends, decodes and caps the body, and settles exactly once whatever the server does.
// The caller checks addresses; `lookup` guards the connection.

import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import { MAX_ANSWER_HEADER_BYTES } from '../core/limits.ts';
import { type HttpAnswer, HttpFault } from '../core/ports/http.ts';
import { decode } from './decode.ts';
import { toHttpFault } from './fault.ts';

export interface Exchange {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
  agent: http.Agent;
  lookup: LookupFunction;
  /** Of the decoded body. */
  maxBytes: number;
  onChunk: ((chunk: Uint8Array) => void) | undefined;
  /** Aborts with an HttpFault as its reason, or with anything else when the caller is gone. */
  signal: AbortSignal;
}

type Answer = Omit<HttpAnswer, 'durationMs'>;

function open(sent: Exchange, agent: http.Agent | false): http.ClientRequest {
  const body = sent.body === undefined ? undefined : Buffer.from(sent.body as string);
  const framing =
    body || !['GET', 'HEAD', 'DELETE'].includes(sent.method) ? { 'content-length': body?.length ?? 0 } : {};
  const { request } = sent.url.protocol === 'https:' ? https : http;
  return request(sent.url, {
    method: sent.method,
    headers: { ...sent.headers, ...framing },
    agent,
    lookup: sent.lookup,
    maxHeaderSize: MAX_ANSWER_HEADER_BYTES,
  }).end(body);
}

const joinHeaders = (answer: http.IncomingMessage): Record<string, string> =>
  Object.fromEntries(Object.entries(answer.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]));

/** Reads up to `maxBytes` of decoded body. */
async function readBody(answer: http.IncomingMessage, sent: Exchange): Promise<Pick<Answer, 'body' | 'truncated'>> {
  const chunks: Buffer[] = [];
  let left = sent.maxBytes;
  for await (const chunk of decode(answer)) {
    sent.onChunk?.(chunk.subarray(0, left));
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    if (left < 0) return { body: Buffer.concat(chunks), truncated: true };
  }
  return { body: Buffer.concat(chunks), truncated: false };
}

const abortFault = (sent: Exchange): HttpFault =>
  sent.signal.reason instanceof HttpFault
    ? sent.signal.reason
    : new HttpFault('aborted', `The request to ${sent.url.host} was aborted`, sent.signal.reason);

const isReset = (error: unknown): boolean =>
  ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException | null)?.code ?? '');

/** `stale`: the server had closed a kept connection before it read anything. */
function attempt(sent: Exchange, agent: http.Agent | false): Promise<Answer | 'stale'> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer | 'stale'>();
  const request = open(sent, agent);
  let answered = false;
  const fail = (error: unknown) => {
    if (sent.signal.aborted) reject(abortFault(sent));
    else if (request.reusedSocket && !answered && isReset(error)) resolve('stale');
    else reject(toHttpFault(error, sent.url, answered));
    request.destroy();
  };
  const abort = () => fail(sent.signal.reason);
  sent.signal.addEventListener('abort', abort);
  if (sent.signal.aborted) abort();
  // Once an answer has begun, its own stream reports errors; a server may well answer before it has read everything.
  request.on('error', (error) => answered || fail(error));
  // Without a listener the upgraded connection would stay open, and the promise with it.
  request.on('upgrade', (_, socket) => {
    socket.destroy();
    fail(new HttpFault('protocol', `${sent.url.host} switched protocols unasked`));
  });
  request.on('response', (answer) => {
    answered = true;
    readBody(answer, sent).then(
      (read) => resolve({ status: answer.statusCode ?? 0, headers: joinHeaders(answer), ...read }),
      fail,
    );
  });
  return promise.finally(() => sent.signal.removeEventListener('abort', abort));
}

/** Throws HttpFault, or what `lookup` threw. */
export async function exchange(sent: Exchange): Promise<Answer> {
  const answer = await attempt(sent, sent.agent);
  const fresh = answer === 'stale' ? await attempt(sent, false) : answer;
  if (fresh === 'stale') throw new Error('A connection of its own cannot be a kept one');
  return fresh;
}
