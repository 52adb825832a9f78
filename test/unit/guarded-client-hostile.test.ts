// Servers that mean harm, or are merely broken: the guarded client ends each within its time and its bytes.

import { createServer, type Socket } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { HttpFault, type HttpRequest } from '../../lambdas/core/ports/http.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { startHttpServer } from '../support/http-server.ts';

const client = makeHttpClient({ policy: 'loopback' });
const request = (url: string, extra: Partial<HttpRequest> = {}): HttpRequest => ({
  url,
  method: 'GET',
  timeoutMs: 2_000,
  maxBytes: 1_000,
  ...extra,
});
const fault = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => 'answered',
    (error: unknown) => (error instanceof HttpFault ? error.reason : String(error)),
  );

/** A server of raw bytes: `speak` is called once the client has sent something. */
async function startRawServer(speak: (socket: Socket) => void): Promise<{ url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => speak(socket));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/path?token=secret`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Writes `piece` until the other side goes away. */
function writeForever(socket: Socket, piece: string | Buffer, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.on('close', () => clearInterval(timer));
}

describe('time', () => {
  test('a server that never answers ends as a timeout that names its host and nothing else', async () => {
    await using server = await startRawServer(() => undefined);
    const sent = client.send(request(server.url, { timeoutMs: 60 }));
    await expect(sent).rejects.toMatchObject({ reason: 'timeout' });
    await expect(sent).rejects.toThrow(/^127\.0\.0\.1:\d+ sent no complete answer within 60 ms$/);
  });

  test('headers that drip for ever end with the timeout', async () => {
    await using server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
      writeForever(socket, 'a', 5);
    });
    expect(await fault(client.send(request(server.url, { timeoutMs: 80 })))).toBe('timeout');
  });

  test('a body that drips for ever ends with the timeout, however often a byte arrives', async () => {
    await using server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n');
      writeForever(socket, 'a', 5);
    });
    expect(await fault(client.send(request(server.url, { timeoutMs: 80 })))).toBe('timeout');
  });

  test('redirects share one timeout', async () => {
    await using server = await startHttpServer((_, response) => {
      setTimeout(() => response.writeHead(302, { location: '/' }).end(), 30);
    });
    expect(await fault(client.send(request(server.origin, { timeoutMs: 100, redirects: 20 })))).toBe('timeout');
  });

  test('an abort ends the request before, during and after its headers', async () => {
    await using server = await startRawServer((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na'),
    );
    const late = new AbortController();
    setTimeout(() => late.abort(), 30);
    expect(await fault(client.send(request(server.url, { signal: late.signal })))).toBe('aborted');
    expect(await fault(client.send(request(server.url, { signal: AbortSignal.abort() })))).toBe('aborted');
  });
});

describe('size', () => {
  test('a body of exactly the cap is whole, and one byte more is cut', async () => {
    await using server = await startHttpServer((incoming, response) => {
      response.end('a'.repeat(Number(incoming.url?.slice(1))));
    });
    const whole = await client.send(request(`${server.origin}/1000`));
    expect([whole.body.length, whole.truncated]).toEqual([1_000, false]);
    const cut = await client.send(request(`${server.origin}/1001`));
    expect([cut.body.length, cut.truncated]).toEqual([1_000, true]);
  });

  test('an endless body is cut and its connection closed', async () => {
    let closed = () => undefined as unknown;
    const closing = new Promise((resolve) => {
      closed = () => resolve('closed');
    });
    await using server = await startRawServer((socket) => {
      socket.on('close', closed);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      writeForever(socket, 'a'.repeat(10_000), 1);
    });
    const answer = await client.send(request(server.url));
    expect([answer.body.length, answer.truncated]).toEqual([1_000, true]);
    expect(await closing).toBe('closed');
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('a %s bomb is cut at the cap of decoded bytes', async (coding, encode) => {
    const bomb = encode(Buffer.alloc(50_000_000));
    await using server = await startHttpServer((_, response) => {
      response.setHeader('content-encoding', coding).end(bomb);
    });
    const answer = await client.send(request(server.origin));
    expect([answer.body.length, answer.truncated]).toEqual([1_000, true]);
  });

  test('endless headers end as too large', async () => {
    await using server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      writeForever(socket, `X-Fill: ${'a'.repeat(4_000)}\r\n`, 1);
    });
    expect(await fault(client.send(request(server.url)))).toBe('too-large');
  });
});

describe('nonsense', () => {
  test.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['a hang-up in the middle of the body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['a hang-up in the middle of a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na'],
    ['encodings in layers', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\na'],
    ['an unknown encoding', 'HTTP/1.1 200 OK\r\nContent-Encoding: snappy\r\nContent-Length: 1\r\n\r\na'],
    ['gzip that is none', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc'],
    ['a protocol nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ])('%s is a protocol fault', async (_, bytes) => {
    await using server = await startRawServer((socket) => socket.end(bytes));
    const sent = client.send(request(server.url));
    expect(await fault(sent)).toMatch(/^(protocol|connect)$/);
    await expect(sent).rejects.not.toThrow('secret');
  });

  test('a gzip answer that breaks off is a fault, not a short body', async () => {
    const half = gzipSync('hello '.repeat(1_000)).subarray(0, 30);
    await using server = await startHttpServer((_, response) => {
      response.setHeader('content-encoding', 'gzip').end(half);
    });
    expect(await fault(client.send(request(server.origin)))).toBe('protocol');
  });

  test('a server without TLS is a tls fault under https', async () => {
    await using server = await startRawServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await fault(client.send(request(server.url.replace('http:', 'https:'))))).toBe('tls');
  });

  test('an answer that comes before the request was read is an answer', async () => {
    await using server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    });
    const answer = await client.send(request(server.url, { method: 'POST', body: 'a'.repeat(2_000_000) }));
    expect(answer.status).toBe(413);
  });
});
