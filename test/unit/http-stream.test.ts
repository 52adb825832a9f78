import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { makeHandler } from '../../lambdas/api-gateway/handler.ts';
import type { Reply } from '../../lambdas/core/api/reply.ts';
import { route } from '../../lambdas/core/dialects/dialect.ts';
import { native } from '../../lambdas/core/dialects/native/dialect.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { makeAnswer } from '../../lambdas/http/answer.ts';
import { apiEvent } from '../support/api-event.ts';

type StreamingHandler = (event: unknown, stream: Writable, context: unknown) => Promise<void>;

afterEach(() => vi.unstubAllGlobals());

/** The handler as Lambda calls it: `awslambda` is what the managed runtime puts into the global scope. */
function streamingHandler(reply: Reply): { handler: StreamingHandler; prelude: Record<string, unknown>[] } {
  const prelude: Record<string, unknown>[] = [];
  vi.stubGlobal('awslambda', {
    streamifyResponse: (handler: StreamingHandler) => handler,
    HttpResponseStream: {
      from: (stream: Writable, metadata: Record<string, unknown>) => {
        prelude.push(metadata);
        return stream;
      },
    },
  });
  const quiet = () => undefined;
  const log = { info: quiet, warn: quiet, error: quiet, metric: quiet };
  const ports = { clock: { now: () => 0, sleep: async () => undefined }, log } as unknown as Ports;
  const call = route({
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
  const dialect = { ...native, routes: [call] };
  const answer = makeAnswer({ dialects: [dialect], fallback: dialect, ports });
  const handler = makeHandler(answer, { clock: ports.clock }) as unknown as StreamingHandler;
  return { handler, prelude };
}

function sink(): { stream: Writable; text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

test('sends status and headers before the body', async () => {
  const { handler, prelude } = streamingHandler({ status: 202, body: { json: { ok: true } } });
  const { stream, text } = sink();
  await handler(apiEvent({ path: '/' }), stream, { awsRequestId: '1' });
  expect(prelude).toMatchObject([{ statusCode: 202, headers: { 'content-type': 'application/json; charset=utf-8' } }]);
  expect(text()).toBe('{"ok":true}');
});

test('sends bytes as they are, and nothing where there is no body', async () => {
  const bytes = { bytes: new Uint8Array([104, 105]), type: 'application/octet-stream' };
  for (const [body, expected] of [
    [bytes, 'hi'],
    [undefined, ''],
  ] as const) {
    const { handler } = streamingHandler({ status: 200, body });
    const { stream, text } = sink();
    await handler(apiEvent({ path: '/' }), stream, { awsRequestId: '1' });
    expect(text()).toBe(expected);
  }
});

test('sends the pieces of a stream as they come', async () => {
  const pieces = (async function* () {
    yield 'one ';
    yield 'two';
  })();
  const { handler } = streamingHandler({ status: 200, body: { stream: pieces, type: 'text/plain' } });
  const { stream, text } = sink();
  await handler(apiEvent({ path: '/' }), stream, { awsRequestId: '1' });
  expect(text()).toBe('one two');
});

test('ends the invocation only when the slice has ended', async () => {
  const slice = Promise.withResolvers<void>();
  const { handler } = streamingHandler({ status: 200, body: { json: 1 }, pending: slice.promise });
  const { stream } = sink();
  let isOver = false;
  const invocation = handler(apiEvent({ path: '/' }), stream, { awsRequestId: '1' }).then(() => {
    isOver = true;
  });
  await once(stream, 'finish');
  await turn();
  expect(isOver).toBe(false);
  slice.resolve();
  await invocation;
  expect(isOver).toBe(true);
});

test('waits for the slice even when the caller has gone', async () => {
  const slice = Promise.withResolvers<void>();
  const endless = (async function* () {
    for (;;) {
      yield ' ';
      await turn();
    }
  })();
  const body = { stream: endless, type: 'application/json' };
  const { handler } = streamingHandler({ status: 200, body, pending: slice.promise });
  const { stream } = sink();
  let isOver = false;
  const invocation = handler(apiEvent({ path: '/' }), stream, { awsRequestId: '1' }).finally(() => {
    isOver = true;
  });
  await turn();
  stream.destroy(new Error('gone'));
  for (let turns = 0; turns < 20; turns += 1) await turn();
  expect(isOver).toBe(false);
  slice.resolve();
  await expect(invocation).rejects.toThrow('gone');
});
