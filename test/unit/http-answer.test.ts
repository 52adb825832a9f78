import { expect, test } from 'vitest';
import type { Reply } from '../../lambdas/core/api/reply.ts';
import { type ApiRequest, type Dialect, route } from '../../lambdas/core/dialects/dialect.ts';
import { native } from '../../lambdas/core/dialects/native/dialect.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { makeAnswer } from '../../lambdas/http/answer.ts';

const quiet = () => undefined;
const log = { info: quiet, warn: quiet, error: quiet, metric: quiet };
const ports = { clock: { now: () => 0, sleep: async () => undefined }, log } as unknown as Ports;

const request: ApiRequest = {
  id: 'request-1',
  receivedAt: 0,
  method: 'GET',
  path: '/',
  origin: 'http://localhost',
  headers: {},
  query: new URLSearchParams(),
  body: new Uint8Array(),
};

/** The answer to a request that no API Gateway has seen. */
function answerWith(reply: Reply) {
  const only = route({
    id: 'test',
    method: 'GET',
    path: '/',
    access: 'anyone',
    tag: 'Test',
    summary: 'A test',
    answers: {},
    errors: [],
    handle: async () => reply,
  });
  const dialect: Dialect = { ...native, routes: [only] };
  return makeAnswer({ dialects: [dialect], fallback: dialect, ports })(request);
}

async function read(body: string | Uint8Array | AsyncIterable<string>): Promise<string> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body as string).toString();
  const pieces: string[] = [];
  for await (const piece of body) pieces.push(piece);
  return pieces.join('');
}

async function* breakAfter(piece: string): AsyncGenerator<string> {
  yield piece;
  throw new Error('secret detail');
}

test('a reply has all headers and its body as text or bytes', async () => {
  const asJson = await answerWith({ status: 202, body: { json: { ok: true } }, headers: { location: '/x' } });
  expect(asJson).toMatchObject({
    status: 202,
    headers: { 'x-request-id': 'request-1', 'x-content-type-options': 'nosniff', location: '/x' },
    body: '{"ok":true}',
  });
  const bytes = new Uint8Array([1, 2]);
  expect(await answerWith({ status: 200, body: { bytes, type: 'image/png' } })).toMatchObject({
    headers: { 'content-type': 'image/png' },
    body: bytes,
  });
});

test('an event stream that breaks ends with an error event', async () => {
  const stream = breakAfter('data: 1\n\n');
  const { body } = await answerWith({ status: 200, body: { stream, type: 'text/event-stream' } });
  const error = { code: 'internal', message: 'The platform failed', requestId: 'request-1' };
  expect(await read(body)).toBe(`data: 1\n\nevent: error\ndata: ${JSON.stringify({ error })}\n\n`);
});

test('the work that outlives a reply never rejects', async () => {
  const { pending } = await answerWith({ status: 200, pending: Promise.reject(new Error('the slice failed')) });
  await expect(pending).resolves.toBeUndefined();
});

test('the work is waited for even when the reply cannot be written', async () => {
  const slice = Promise.withResolvers<void>();
  const reply = await answerWith({ status: 200, body: { json: 1n }, pending: slice.promise });
  expect(reply.status).toBe(500);
  let isOver = false;
  const pending = reply.pending.then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  slice.resolve();
  await pending;
});
