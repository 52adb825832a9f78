// The guarded client against real servers: what it sends, what it hands back, and how hostile servers end.

import { createServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { HttpFault, type HttpRequest } from '../../lambdas/core/ports/http.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { startHttpServer } from '../support/http-server.ts';

const client = makeHttpClient({ policy: 'loopback' });
const request = (url: string, extra: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: 'GET',
  timeoutMs: 5_000,
  maxBytes: 1_000_000,
  ...extra,
});
const text = (body: Uint8Array): string => Buffer.from(body).toString();
const reason = (sent: Promise<unknown>): Promise<unknown> =>
  sent.then(
    () => 'answered',
    (error: unknown) => (error instanceof HttpFault ? error.reason : error),
  );

describe('an ordinary exchange', () => {
  test('sends method, path, headers and body, and hands back status, headers and body', async () => {
    await using server = await startHttpServer((_, response) => {
      response.writeHead(201, [
        ['X-One', '1'],
        ['X-Many', 'a'],
        ['X-Many', 'b'],
      ]);
      response.end('made');
    });
    const answer = await client.send(
      request(`${server.origin}/things?x=1`, { method: 'post', headers: { 'X-Key': 'k' }, body: '{"ü":1}' }),
    );
    expect(server.received[0]).toMatchObject({ method: 'POST', path: '/things?x=1', body: '{"ü":1}' });
    expect(server.received[0]?.headers).toMatchObject({ 'x-key': 'k', 'content-length': '8', 'user-agent': 'Errand' });
    expect(answer).toMatchObject({ status: 201, truncated: false, headers: { 'x-one': '1', 'x-many': 'a, b' } });
    expect(text(answer.body)).toBe('made');
    expect(answer.durationMs).toBeGreaterThanOrEqual(0);
  });

  test('keeps its connection for the next request to the same server', async () => {
    await using server = await startHttpServer((_, response) => response.end('ok'));
    for (let n = 0; n < 5; n++) await client.send(request(server.origin));
    expect(server.connections()).toBe(1);
  });

  test('sends again on a fresh connection when the server had closed the kept one', async () => {
    // Answers the first request of each connection, then hangs up at the first byte of the second.
    let requests = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        requests += 1;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        socket.once('data', () => socket.resetAndDestroy());
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    await client.send(request(url, { method: 'POST', body: 'a' }));
    const second = await client.send(request(url, { method: 'POST', body: 'b' }));
    expect([second.status, requests]).toEqual([200, 2]);
    server.close();
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ])('decodes %s', async (coding, encode) => {
    await using server = await startHttpServer((_, response) => {
      response.setHeader('content-encoding', coding);
      response.end(encode('hello '.repeat(1_000)));
    });
    expect(text((await client.send(request(server.origin))).body)).toBe('hello '.repeat(1_000));
  });

  test('takes an encoded answer without a body for an empty one', async () => {
    await using server = await startHttpServer((_, response) => {
      response.setHeader('content-encoding', 'gzip').end();
    });
    for (const method of ['HEAD', 'GET'] as const) {
      expect((await client.send(request(server.origin, { method }))).body).toHaveLength(0);
    }
  });

  test.each(['Host', 'Content-Length', 'Transfer-Encoding', 'Connection'])('refuses to send %s', async (name) => {
    await expect(client.send(request('http://127.0.0.1:9/', { headers: { [name]: '1' } }))).rejects.toThrow(
      `Header '${name}' is set by the platform`,
    );
  });

  test('refuses header values that smuggle lines, and methods that are none', async () => {
    const smuggled = client.send(request('http://127.0.0.1:9/', { headers: { 'X-A': 'a\r\nX-B: b' } }));
    await expect(smuggled).rejects.toMatchObject({ code: 'invalid-request' });
    for (const method of ['CONNECT', 'TRACE', 'GET / HTTP/1.1\r\nX: y']) {
      await expect(client.send(request('http://127.0.0.1:9/', { method }))).rejects.toThrow('Unknown HTTP method');
    }
  });
});

describe('redirects', () => {
  test('are handed back unless followed on request', async () => {
    await using server = await startHttpServer((_, response) => {
      response.writeHead(302, { location: '/next' }).end();
    });
    expect((await client.send(request(server.origin))).status).toBe(302);
  });

  test('turn a POST into a GET for 301, 302 and 303, and keep it for 307 and 308', async () => {
    await using server = await startHttpServer((incoming, response) => {
      const status = Number(incoming.url?.slice(1));
      if (status) response.writeHead(status, { location: '/' }).end();
      else response.end('arrived');
    });
    const arrivals: string[] = [];
    for (const status of [301, 302, 303, 307, 308]) {
      await client.send(request(`${server.origin}/${status}`, { method: 'POST', body: 'b', redirects: 5 }));
      const last = server.received.at(-1);
      arrivals.push(`${status} ${last?.method} ${last?.body}`);
    }
    expect(arrivals).toEqual(['301 GET ', '302 GET ', '303 GET ', '307 POST b', '308 POST b']);
  });

  test('carry headers within an origin and drop them across origins', async () => {
    await using other = await startHttpServer((_, response) => response.end('other'));
    await using server = await startHttpServer((incoming, response) => {
      const location = incoming.url === '/' ? '/same' : `${other.origin}/`;
      response.writeHead(307, { location }).end();
    });
    const headers = { Authorization: 'Bearer s', Cookie: 'c', 'X-Api-Key': 'k', Accept: 'text/plain' };
    await client.send(request(`${server.origin}/`, { headers, redirects: 3 }));
    expect(server.received[1]?.headers).toMatchObject({ authorization: 'Bearer s', cookie: 'c', 'x-api-key': 'k' });
    expect(Object.keys(other.received[0]?.headers ?? {}).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });

  test('end after as many as were asked for', async () => {
    await using server = await startHttpServer((_, response) => {
      response.writeHead(302, { location: '/' }).end();
    });
    expect(await reason(client.send(request(server.origin, { redirects: 3 })))).toBe('protocol');
    expect(server.received).toHaveLength(4);
  });

  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'file:///etc/passwd',
    '//[::ffff:10.0.0.1]/',
  ])('to %s are refused', async (location) => {
    await using server = await startHttpServer((_, response) => {
      response.writeHead(302, { location }).end();
    });
    await expect(client.send(request(server.origin, { redirects: 3 }))).rejects.toMatchObject({ code: 'unsafe-url' });
  });
});

describe('names and addresses', () => {
  const resolvingTo = (addresses: string[], policy: 'none' | 'loopback' = 'loopback') =>
    makeHttpClient({
      policy,
      resolve: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    });

  test('connects to the resolved address and keeps the name in Host', async () => {
    await using server = await startHttpServer((_, response) => response.end());
    await resolvingTo(['127.0.0.1']).send(request(`http://hooks.example.com:${server.port}/`));
    expect(server.received[0]?.headers['host']).toBe(`hooks.example.com:${server.port}`);
  });

  test.each([
    [['169.254.169.254']],
    [['10.0.0.1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::a00:1']],
    [['93.184.215.14', '10.0.0.1']],
  ])('refuses a name that resolves to %j', async (addresses) => {
    const sent = resolvingTo(addresses).send(request('http://hooks.example.com:9/'));
    await expect(sent).rejects.toMatchObject({
      code: 'unsafe-url',
      message: expect.stringContaining('hooks.example.com'),
    });
  });

  test('resolves a name once per connection, so that a second answer cannot move it', async () => {
    await using server = await startHttpServer((_, response) => response.end());
    let asked = 0;
    const rebinding = makeHttpClient({
      policy: 'loopback',
      resolve: async () => [{ address: asked++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }],
    });
    await rebinding.send(request(`http://hooks.example.com:${server.port}/`));
    expect([asked, server.received.length]).toEqual([1, 1]);
  });

  test('refuses this machine under policy none, as literal and as name', async () => {
    await using server = await startHttpServer((_, response) => response.end());
    const strict = resolvingTo(['127.0.0.1'], 'none');
    for (const url of [
      server.origin,
      `https://127.0.0.1:${server.port}/`,
      `https://hooks.example.com:${server.port}/`,
    ]) {
      await expect(strict.send(request(url))).rejects.toMatchObject({ code: 'unsafe-url' });
    }
    expect(server.connections()).toBe(0);
    expect(() => strict.check('https://10.0.0.1/')).toThrow("'10.0.0.1' is a private address");
    expect(() => strict.check('https://hooks.example.com/')).not.toThrow();
  });

  test('a name that does not resolve and a server that is not there are different faults', async () => {
    const unresolvable = makeHttpClient({
      policy: 'loopback',
      resolve: () => Promise.reject(new Error('no such name')),
    });
    expect(await reason(unresolvable.send(request('http://nowhere.example.com/')))).toBe('dns');
    expect(await reason(resolvingTo([]).send(request('http://nowhere.example.com/')))).toBe('dns');
    expect(await reason(client.send(request('http://127.0.0.1:1/')))).toBe('connect');
  });

  test('does not wait for a resolver longer than the whole timeout', async () => {
    const hanging = makeHttpClient({ policy: 'loopback', resolve: () => new Promise(() => undefined) });
    expect(await reason(hanging.send(request('http://slow.example.com/', { timeoutMs: 50 })))).toBe('timeout');
  });
});
