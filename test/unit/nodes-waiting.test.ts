// The kinds that wait for somebody: callback, and lambda in mode callback. A wait is recorded before anybody is notified.

import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../lambdas/core/json.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { Outcome } from '../../lambdas/core/nodes/node-kind.ts';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import { startHttpServer } from '../support/http-server.ts';
import { NOW, nodeContext } from '../support/node-context.ts';

const { callback: CALLBACK, lambda: LAMBDA } = NODE_KINDS;
const HOUR_MS = 3_600_000;
const URL = 'https://errand.example.com/v1/signals/token';
const SIGNAL = { by: 'signal', signal: { path: 'p', payload: { ok: true }, at: NOW } } as const;

function waiting(outcome: Outcome): Extract<Outcome, { kind: 'wait' }> {
  if (outcome.kind !== 'wait') throw new Error(`Expected a wait, not ${JSON.stringify(outcome)}`);
  return outcome;
}

/** Remembers its calls and gives the answer of the test: the function behind the port is somebody else's. */
function functions(answer: Awaited<ReturnType<Functions['invoke']>>) {
  const calls: Parameters<Functions['invoke']>[0][] = [];
  const invoke: Functions['invoke'] = async (call) => {
    calls.push(call);
    return answer;
  };
  return { calls, invoke };
}

describe('callback', () => {
  const run = (input: JsonObject) => CALLBACK.run(nodeContext({ timeoutMs: HOUR_MS }), input as never).then(waiting);

  test('shows its address and message with the wait, which lasts as long as the timeout', async () => {
    expect((await run({ message: 'Decide', data: { n: 1 } })).wait).toEqual({
      kind: 'callback',
      until: NOW + HOUR_MS,
      prompt: { message: 'Decide', data: { n: 1 }, url: URL },
    });
  });

  test('sends its request and its notifications only when notify is called', async () => {
    await using server = await startHttpServer((_, response) => response.end('{}'));
    const outcome = await run({
      message: 'Decide',
      request: { url: `${server.origin}/request`, body: { callback: URL } },
      notify: [`${server.origin}/notice`, ''],
    });
    expect(server.received).toHaveLength(0);
    expect(await outcome.notify?.()).toBeUndefined();
    expect(server.received.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /request', 'POST /notice']);
    expect(server.received[0]?.headers['idempotency-key']).toBe('run-1/pages[00002].fetch');
    expect(JSON.parse(server.received[1]?.body ?? '')).toEqual({
      run: 'run-1',
      flow: 'probe',
      node: 'pages[00002].fetch',
      message: 'Decide',
      data: null,
      callback: { url: URL },
    });
  });

  test('fails when the notification cannot be sent', async () => {
    await using server = await startHttpServer((_, response) => response.writeHead(503).end());
    const outcome = await run({ request: { url: server.origin } });
    expect(await outcome.notify?.()).toMatchObject({ kind: 'failed', code: 'http-503', retryable: true });
    const unsafe = await run({ notify: 'http://169.254.169.254/' });
    expect(await unsafe.notify?.()).toMatchObject({ kind: 'failed', code: 'unsafe-url' });
  });

  test('waits without a notification where no address is set', async () => {
    for (const input of [{}, { notify: null }, { notify: '' }] as JsonObject[]) {
      expect(await (await run(input)).notify?.()).toBeUndefined();
    }
  });

  test('gives what was posted, and fails when its time is over', async () => {
    expect(await CALLBACK.resume?.(nodeContext(), {} as never, SIGNAL)).toEqual({ kind: 'done', result: { ok: true } });
    expect(await CALLBACK.resume?.(nodeContext(), {} as never, { by: 'timer' })).toMatchObject({
      kind: 'failed',
      code: 'node-timed-out',
      retryable: false,
    });
  });

  test('cannot be part of a synchronous flow, and needs the secrets of its request', () => {
    expect(CALLBACK.blocks?.({} as never)).toEqual({ sync: 'waits for a callback' });
    expect(CALLBACK.secretNames?.({ request: { auth: { secret: 'KEY' } } })).toEqual(['KEY']);
    expect(CALLBACK.secretNames?.({} as never)).toEqual([]);
  });
});

describe('lambda', () => {
  const run = (input: JsonObject, port: Functions, timeoutMs = HOUR_MS) =>
    LAMBDA.run(nodeContext({ functions: port, timeoutMs }), input as never);

  test('sends its payload and gives the answer', async () => {
    const port = functions({ kind: 'answer', payload: [1] });
    expect(await run({ function: 'echo', payload: { a: 1 }, qualifier: 'live' }, port)).toEqual({
      kind: 'done',
      result: [1],
    });
    expect(port.calls[0]).toMatchObject({ name: 'echo', qualifier: 'live', payload: { a: 1 }, mode: 'response' });
  });

  test('fails with what the function said, retryable as the port says', async () => {
    const port = functions({ kind: 'error', type: 'TypeError', message: 'x is not a function', retryable: true });
    expect(await run({ function: 'echo' }, port)).toEqual({
      kind: 'failed',
      code: 'node-failed',
      message: "Function 'echo' failed: TypeError: x is not a function",
      retryable: true,
    });
  });

  test('in mode callback records its wait, then sends payload, address and idempotency key', async () => {
    const port = functions({ kind: 'answer', payload: null });
    const outcome = waiting(await run({ function: 'worker', payload: { a: 1 }, mode: 'callback' }, port));
    expect(outcome.wait).toMatchObject({ kind: 'callback', until: NOW + HOUR_MS });
    expect(port.calls).toHaveLength(0);
    expect(await outcome.notify?.()).toBeUndefined();
    expect(port.calls[0]).toMatchObject({
      mode: 'event',
      payload: {
        payload: { a: 1 },
        callback: { url: URL, path: 'pages[00002].fetch', runId: 'run-1' },
        idempotencyKey: 'run-1/pages[00002].fetch',
      },
    });
  });

  test('in mode callback fails when the function could not be started', async () => {
    const port = functions({
      kind: 'error',
      type: 'ResourceNotFoundException',
      message: 'no worker',
      retryable: false,
    });
    const outcome = waiting(await run({ function: 'worker', mode: 'callback' }, port));
    expect(await outcome.notify?.()).toMatchObject({ kind: 'failed', retryable: false });
  });

  test('waits only in mode callback, and only that blocks a synchronous flow', () => {
    const source = (mode?: Json) => ({ function: 'f', mode }) as never;
    expect([LAMBDA.waits?.(source()), LAMBDA.blocks?.(source())]).toEqual([false, {}]);
    expect(LAMBDA.waits?.(source('callback'))).toBe(true);
    expect(LAMBDA.blocks?.(source('callback'))).toEqual({ sync: 'waits for the callback of a function' });
  });

  test.each([
    ['a name', { function: 'refund-worker' }, true],
    ['an ARN', { function: 'arn:aws:lambda:eu-central-1:123456789012:function:refund' }, true],
    ['data', { function: '${{ $inputs.name }}' }, false],
    ['a path', { function: '../../other' }, false],
  ])('lets its author name a function by %s: %o is %s', (_, written, accepted) => {
    expect(LAMBDA.with.safeParse(written).success).toBe(accepted);
  });
});
