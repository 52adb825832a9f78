// The http node against real servers: what it sends, what it makes of answers, and what its failures give away.

import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { HTTP } from '../../lambdas/core/nodes/http/http.ts';
import type { Outcome } from '../../lambdas/core/nodes/node-kind.ts';
import { startHttpServer } from '../support/http-server.ts';
import { NOW, nodeContext } from '../support/node-context.ts';

type Context = Parameters<typeof nodeContext>[0];
const run = (input: JsonObject, extra: Context = {}): Promise<Outcome> => HTTP.run(nodeContext(extra), input as never);
const answering = (body: string | Uint8Array, type = 'application/json', status = 200) =>
  startHttpServer((_, response) => response.writeHead(status, { 'content-type': type }).end(body));

/** One request with this input, as the server saw it. */
async function seen(input: JsonObject, extra: Context = {}) {
  await using server = await answering('{}');
  const outcome = await run({ url: `${server.origin}/a?x=1`, ...input }, extra);
  expect(outcome.kind).toBe('done');
  return server.received[0];
}

describe('what it sends', () => {
  test('a GET by default, without an idempotency key', async () => {
    const request = await seen({});
    expect(request).toMatchObject({ method: 'GET', path: '/a?x=1', body: '' });
    expect(request?.headers).not.toHaveProperty('idempotency-key');
  });

  test('the idempotency key of the unit with every method that changes something', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect((await seen({ method }))?.headers['idempotency-key']).toBe('run-1/pages[00002].fetch');
    }
    const own = await seen({ method: 'POST', headers: { 'Idempotency-Key': 'mine' } });
    expect(own?.headers['idempotency-key']).toBe('mine');
  });

  test('query values beside those of the address, encoded; lists repeat and null is left out', async () => {
    const request = await seen({ query: { q: 'a&b=c ü', n: 2, tag: ['x', 'y'], none: null } });
    expect(request?.path).toBe('/a?x=1&q=a%26b%3Dc+%C3%BC&n=2&tag=x&tag=y');
  });

  test.each([
    [{ body: { a: [1] } }, 'application/json', '{"a":[1]}'],
    [{ body: 'plain' }, 'text/plain; charset=utf-8', 'plain'],
    [{ body: 'plain', bodyType: 'json' }, 'application/json', '"plain"'],
    [{ body: { a: 'b c', d: [1, 2] }, bodyType: 'form' }, 'application/x-www-form-urlencoded', 'a=b+c&d=1&d=2'],
    [{ body: { a: 1 }, headers: { 'Content-Type': 'application/vnd.x+json' } }, 'application/vnd.x+json', '{"a":1}'],
  ])('the body of %j', async (input, type, body) => {
    const request = await seen({ method: 'POST', ...input });
    expect([request?.headers['content-type'], request?.body]).toEqual([type, body]);
  });

  test.each([
    [{ type: 'bearer', secret: 'KEY' }, 'authorization', 'Bearer s3cret'],
    [{ type: 'basic', user: 'ada', secret: 'KEY' }, 'authorization', `Basic ${btoa('ada:s3cret')}`],
    [{ type: 'basic', secret: 'KEY' }, 'authorization', `Basic ${btoa('s3cret')}`],
    [{ type: 'header', header: 'X-Api-Key', secret: 'KEY' }, 'x-api-key', 's3cret'],
  ])('the credential of %j', async (auth, header, value) => {
    expect((await seen({ auth }, { secrets: { KEY: 's3cret' } }))?.headers[header]).toBe(value);
  });

  test('names the secret it needs, so that only that one is opened', () => {
    expect(HTTP.secretNames?.({ auth: { secret: 'KEY' } })).toEqual(['KEY']);
  });
});

describe('the outcome of an answer', () => {
  test.each([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/problem+json; charset=utf-8', '[1]', [1]],
    ['application/json', '', null],
    // What a number cannot hold is kept as text, half of a character as it is.
    ['application/json', '{"id":9007199254740993,"n":[1e400,1]}', { id: '9007199254740993', n: ['1e400', 1] }],
    ['application/json', '{"a":"\\ud83d","_jsonata_lambda":true}', { a: '\ud83d', _jsonata_lambda: true }],
    ['text/html', '<p>', '<p>'],
    ['application/xml', '<a/>', '<a/>'],
    ['text/plain; charset=iso-8859-1', Buffer.from('Zürich', 'latin1'), 'Zürich'],
    ['text/plain; charset=no-such', 'Zürich', 'Zürich'],
    ['image/png', Buffer.from([137, 80]), 'iVA='],
  ])('reads %s', async (type, body, expected) => {
    await using server = await answering(body, type);
    expect(await run({ url: server.origin })).toMatchObject({ kind: 'done', result: { status: 200, body: expected } });
  });

  test('reads as text, json or feed what the author says it is', async () => {
    await using server = await answering('{"a":1}', 'text/plain');
    expect(await run({ url: server.origin, parse: 'json' })).toMatchObject({ result: { body: { a: 1 } } });
    expect(await run({ url: server.origin, parse: 'text' })).toMatchObject({ result: { body: '{"a":1}' } });
    await using feed = await answering(
      '<rss><channel><title>T</title><item><title>I</title></item></channel></rss>',
      'x/y',
    );
    expect(await run({ url: feed.origin, parse: 'feed' })).toMatchObject({
      result: { body: { title: 'T' }, items: [{ title: 'I', source: 'T' }] },
    });
  });

  test.each([
    ['{"a":', 'its body is not valid JSON'],
    ['['.repeat(100) + ']'.repeat(100), 'its JSON is nested deeper than 64'],
    ['['.repeat(200_000) + ']'.repeat(200_000), 'its JSON is nested deeper than 64'],
  ])('fails on JSON that cannot be used', async (body, reason) => {
    await using server = await answering(body);
    expect(await run({ url: server.origin })).toMatchObject({
      kind: 'failed',
      code: 'node-failed',
      message: `GET ${server.origin} answered, but ${reason}`,
    });
  });

  test('fails on an answer beyond maxBytes, so that nothing works on half of it', async () => {
    await using server = await answering('a'.repeat(101), 'text/plain');
    expect(await run({ url: server.origin, maxBytes: 100 })).toMatchObject({
      kind: 'failed',
      message: `GET ${server.origin} answered with more than 100 bytes`,
    });
  });
});

describe('a credential that the server quotes in its answer', () => {
  const secret = 'p@ss "word" 1234';
  const quoted = async (auth: JsonObject, answer: (authorization: string) => unknown) => {
    await using server = await startHttpServer((request, response) => {
      response.setHeader('x-echo', 'plain');
      response.end(JSON.stringify(answer(request.headers.authorization ?? '')));
    });
    return await run({ url: `${server.origin}/`, auth }, { secrets: { KEY: secret, SHORT: 'on' } });
  };

  test.each<[string, JsonObject, (authorization: string) => unknown]>([
    ['a bearer token', { type: 'bearer', secret: 'KEY' }, (it) => ({ [it]: [it] })],
    ['a password of Basic', { type: 'basic', user: 'ada', secret: 'KEY' }, (it) => it],
    ['one in an address', { type: 'bearer', secret: 'KEY' }, () => `https://x/?key=${encodeURIComponent(secret)}`],
  ])('is removed: %s', async (_, auth, answer) => {
    const outcome = await quoted(auth, answer);
    expect(JSON.stringify(outcome)).toContain('***');
    expect(JSON.stringify(outcome)).not.toMatch(/1234|YWRh/);
  });

  test('is all that is removed', async () => {
    const outcome = await quoted({ type: 'bearer', secret: 'KEY' }, () => ({ on: 'only' }));
    expect(outcome).toMatchObject({ kind: 'done', result: { body: '{"on":"only"}' } });
  });
});

describe('failures', () => {
  test.each([
    [400, false],
    [404, false],
    [408, true],
    [409, false],
    [425, true],
    [429, true],
    [500, true],
    [503, true],
  ])('status %i: retryable %s', async (status, retryable) => {
    await using server = await answering('{"why":"so"}', 'application/json', status);
    expect(await run({ url: `${server.origin}/path?token=t` })).toEqual({
      kind: 'failed',
      code: `http-${status}`,
      message: `GET ${server.origin} answered ${status}`,
      retryable,
      details: [{ field: 'body', message: '{"why":"so"}' }],
    });
  });

  test.each([
    [404, 404, 'done'],
    [404, [200, 404], 'done'],
    [404, '400-499', 'done'],
    [503, '5xx', 'done'],
    [200, 404, 'failed'],
    [301, '2xx', 'failed'],
  ])('status %i where %j is expected is %s', async (status, expect_, kind) => {
    await using server = await answering('', 'text/plain', status);
    expect((await run({ url: server.origin, expect: expect_ })).kind).toBe(kind);
  });

  test.each([
    ['30', 30_000],
    [new Date(NOW + 5_000).toUTCString(), 5_000],
    [new Date(NOW - 5_000).toUTCString(), 0],
    ['soon', undefined],
  ])('keeps Retry-After: %s', async (value, ms) => {
    await using server = await startHttpServer((_, response) =>
      response.writeHead(429, { 'retry-after': value }).end(),
    );
    const outcome = await run({ url: server.origin });
    expect(outcome.kind === 'failed' && outcome.retryAfterMs).toBe(ms);
  });

  test('never show a secret, even where the server quotes it', async () => {
    await using server = await startHttpServer((request, response) => {
      response.writeHead(401).end(`bad key ${request.headers.authorization} for ${request.url}`);
    });
    const outcome = await run(
      { url: `${server.origin}/?key=k3y`, auth: { type: 'bearer', secret: 'KEY' } },
      { secrets: { KEY: 's3cret', OTHER: 'k3y', EMPTY: '' } },
    );
    expect(JSON.stringify(outcome)).toContain('bad key Bearer *** for /?key=***');
  });

  test('never show the beginning of a secret where the answer is cut', async () => {
    const secret = 'a-secret-of-some-length';
    await using server = await startHttpServer((_, response) =>
      response.writeHead(401).end(`${'x'.repeat(490)}${secret}`),
    );
    const outcome = await run(
      { url: server.origin, auth: { type: 'bearer', secret: 'KEY' } },
      { secrets: { KEY: secret } },
    );
    expect(JSON.stringify(outcome)).not.toContain('a-secret');
  });

  test('an address that may not be called fails for good', async () => {
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/', 'file:///etc/passwd', 'no url']) {
      expect(await run({ url })).toMatchObject({ kind: 'failed', code: 'unsafe-url', retryable: false });
    }
  });

  test('a server that cannot be reached, or is too slow, is retryable', async () => {
    expect(await run({ url: 'http://127.0.0.1:1/' })).toMatchObject({ code: 'node-failed', retryable: true });
    await using silent = await startHttpServer(() => undefined);
    const outcome = await run({ url: silent.origin }, { timeoutMs: 50 });
    expect(outcome).toMatchObject({ kind: 'failed', code: 'node-timed-out', retryable: true });
  });

  test('a header that would smuggle a second request fails', async () => {
    await using server = await answering('{}');
    const outcome = await run({ url: server.origin, headers: { 'X-A': 'a\r\n\r\nGET /evil HTTP/1.1' } });
    expect(outcome).toMatchObject({ kind: 'failed', code: 'invalid-request' });
    expect(server.received).toHaveLength(0);
  });

  test('an expression that gave the wrong type names the field', async () => {
    expect(await run({ url: { a: 1 }, method: 'FETCH' })).toMatchObject({
      kind: 'failed',
      code: 'node-failed',
      details: [{ field: 'with.url' }, { field: 'with.method' }],
    });
  });
});

describe('what an author may write', () => {
  test.each([
    { url: 'https://example.com/${{ $inputs.id }}' },
    { url: '${{ $inputs.url }}', method: '${{ $inputs.method }}', query: '${{ $inputs }}', redirects: '${{ 1 }}' },
    { url: 'https://x.example', maxBytes: '2MB', expect: ['2xx', 404], parse: 'feed' },
    { url: 'https://x.example', auth: { type: 'basic', user: 'ada', secret: 'KEY' } },
  ])('accepts %j', (written) => {
    expect(HTTP.with.safeParse(written).success).toBe(true);
  });

  test.each([
    [{}, 'url'],
    [{ url: 'https://x.example', methd: 'GET' }, ''],
    [{ url: 'https://x.example', method: 'TRACE' }, 'method'],
    [{ url: 'https://x.example', maxBytes: '1GB' }, 'maxBytes'],
    [{ url: 'https://x.example', redirects: 21 }, 'redirects'],
    [{ url: 'https://x.example', expect: '6xx' }, 'expect'],
    [{ url: 'https://x.example', auth: '${{ $inputs.auth }}' }, 'auth'],
    [{ url: 'https://x.example', auth: { type: 'bearer', secret: '${{ $inputs.name }}' } }, 'auth.secret'],
  ])('refuses %j', (written, field) => {
    const parsed = HTTP.with.safeParse(written);
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(field);
  });
});
