import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { GatewayError } from '../../local/blueprint/routes.ts';
import type { Outcome, Sink } from '../../local/functions/environment.ts';
import { type Gateway, startGateway } from '../../local/gateway/gateway.ts';

type Answerer = (sink: Sink, event: Event) => Promise<Outcome | undefined>;
interface Event {
  path: string;
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  queryStringParameters: Record<string, string> | null;
  multiValueQueryStringParameters: Record<string, string[]> | null;
  pathParameters: { proxy: string } | null;
  requestContext: { identity: { sourceIp: string }; domainName: string };
  body: string | null;
  isBase64Encoded: boolean;
}

const DONE: Outcome = { status: 'succeeded', payload: '' };
const SEPARATOR = '\0'.repeat(8);
const open: Gateway[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((gateway) => gateway.stop(0)));
});

async function gatewayTo(
  answer: Answerer,
  options: { timeoutMs?: number; idleMs?: number; errors?: GatewayError[]; paths?: string[] } = {},
): Promise<Gateway> {
  const paths = options.paths ?? ['/', '/{proxy+}'];
  const gateway = await startGateway({
    api: {
      routes: paths.map((path) => ({ path, functionName: 'Api', timeoutMs: options.timeoutMs ?? 5_000 })),
      errors: options.errors ?? [],
    },
    host: '127.0.0.1',
    port: 0,
    invoke: (_name, payload, sink) => answer(sink, JSON.parse(payload)),
    localPage: async () => false,
    idleMs: options.idleMs ?? 5_000,
  });
  open.push(gateway);
  return gateway;
}

/** Answers with the event that it was given. */
const mirror: Answerer = async (sink, event) => {
  await sink.write(Buffer.from(`{"statusCode":200,"headers":{"content-type":"application/json"}}${SEPARATOR}`));
  await sink.write(Buffer.from(JSON.stringify(event)));
  sink.end();
  return DONE;
};

/** Sends bytes as they are, and returns what comes back. */
async function sendRaw(gateway: Gateway, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.baseUrl).port), '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

const send = (gateway: Gateway, path: string, headers: Record<string, string | string[]> = {}) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { hostname, port } = new URL(gateway.baseUrl);
    httpRequest({ hostname, port, path, headers }, resolve).on('error', reject).end();
  });

describe('an event', () => {
  test('holds path, query and headers as they were sent, and the body in base64', async () => {
    const gateway = await gatewayTo(mirror);
    const url = `${gateway.baseUrl}/v1/a%2Fb/c?x=1&x=2&y=a+b`;
    const answer = await fetch(url, {
      method: 'POST',
      body: Buffer.from([0, 255]),
    });
    expect(await answer.json()).toMatchObject({
      httpMethod: 'POST',
      path: '/v1/a%2Fb/c',
      pathParameters: { proxy: 'v1/a/b/c' },
      queryStringParameters: { x: '2', y: 'a b' },
      multiValueQueryStringParameters: { x: ['1', '2'], y: ['a b'] },
      body: 'AP8=',
      isBase64Encoded: true,
      requestContext: { identity: { sourceIp: '127.0.0.1' } },
    });
  });

  test('has null where there is no query, no body and no rest of the path', async () => {
    const event = (await (await fetch(`${(await gatewayTo(mirror)).baseUrl}/`)).json()) as Event;
    expect([event.queryStringParameters, event.multiValueQueryStringParameters]).toEqual([null, null]);
    expect([event.pathParameters, event.body, event.isBase64Encoded]).toEqual([null, null, false]);
  });

  test('passes on every value of a repeated header, and only the gateway says where the request came from', async () => {
    const answer = await send(await gatewayTo(mirror), '/', {
      'X-Many': ['a', 'b'],
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-proto': 'https',
      connection: 'close',
    });
    const { headers, multiValueHeaders } = JSON.parse(await text(answer)) as Event;
    expect([headers['X-Many'], multiValueHeaders['X-Many']]).toEqual(['b', ['a', 'b']]);
    expect(headers).toMatchObject({ 'X-Forwarded-For': '203.0.113.9, 127.0.0.1', 'X-Forwarded-Proto': 'http' });
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['x-forwarded-proto']));
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['connection']));
  });

  test('names this machine as its host, by the name that the caller used or else by its address, never by another', async () => {
    const gateway = await gatewayTo(mirror);
    const { port } = new URL(gateway.baseUrl);
    const readHost = async (host: string) => {
      const { requestContext } = JSON.parse(await text(await send(gateway, '/', { host }))) as Event;
      return requestContext.domainName;
    };
    for (const name of ['localhost', '127.0.0.1', '[::1]'])
      expect(await readHost(`${name}:${port}`)).toBe(`${name}:${port}`);
    for (const name of [
      'evil.example',
      `evil.example:${port}`,
      'localhost',
      'localhost:1',
      `localhost:${port}@evil.example`,
    ]) {
      expect(await readHost(name)).toBe(`127.0.0.1:${port}`);
    }
  });

  test('takes headers that are called like what every object has', async () => {
    const answer = await send(await gatewayTo(mirror), '/?constructor=1', { constructor: 'a', ['__proto__']: 'b' });
    const { multiValueHeaders, queryStringParameters } = JSON.parse(await text(answer)) as Event;
    expect([multiValueHeaders['constructor'], queryStringParameters?.['constructor']]).toEqual([['a'], '1']);
    expect(Object.hasOwn(multiValueHeaders, '__proto__')).toBe(true);
  });
});

describe('an answer', () => {
  test('comes chunk by chunk, however its front is cut', async () => {
    const gateway = await gatewayTo(async (sink) => {
      const front = `{"statusCode":202,"headers":{"x-a":"1"},"multiValueHeaders":{"set-cookie":["a=1","b=2"]}}${SEPARATOR}`;
      for (const byte of front) await sink.write(Buffer.from(byte));
      await sink.write(Buffer.from('one'));
      await sleep(150);
      await sink.write(Buffer.from('two'));
      sink.end();
      return DONE;
    });
    const answer = await send(gateway, '/');
    const chunks: { text: string; atMs: number }[] = [];
    for await (const chunk of answer) chunks.push({ text: String(chunk), atMs: performance.now() });
    expect([answer.statusCode, answer.headers['x-a'], answer.headers['set-cookie']]).toEqual([
      202,
      '1',
      ['a=1', 'b=2'],
    ]);
    expect(chunks.map((chunk) => chunk.text)).toEqual(['one', 'two']);
    expect((chunks[1]?.atMs ?? 0) - (chunks[0]?.atMs ?? 0)).toBeGreaterThan(100);
  });

  test('is over when its stream ends, though the function goes on', async () => {
    let settle = () => {};
    const gateway = await gatewayTo(async (sink, event) => {
      await mirror(sink, event);
      await new Promise<void>((resolve) => {
        settle = resolve;
      });
      return DONE;
    });
    expect((await fetch(gateway.baseUrl)).status).toBe(200);
    settle();
  });

  test('has its WWW-Authenticate renamed, as by API Gateway', async () => {
    const gateway = await gatewayTo(async (sink) => {
      await sink.write(Buffer.from(`{"statusCode":401,"headers":{"WWW-Authenticate":"Bearer"}}${SEPARATOR}`));
      sink.end();
      return DONE;
    });
    const { headers } = await fetch(gateway.baseUrl);
    expect([headers.get('www-authenticate'), headers.get('x-amzn-remapped-www-authenticate')]).toEqual([
      null,
      'Bearer',
    ]);
  });

  test.each([
    ['that is not a prelude', 'plain text'],
    ['with a status that is none', `{"statusCode":"200"}${SEPARATOR}`],
    ['with an informational status', `{"statusCode":101}${SEPARATOR}`],
    ['with a header that cannot be sent', `{"statusCode":200,"headers":{"a":"b\\r\\nc: d"}}${SEPARATOR}`],
    ['of nothing', ''],
  ])('%s is 502', async (_what, bytes) => {
    const gateway = await gatewayTo(async (sink) => {
      await sink.write(Buffer.from(bytes));
      sink.end();
      return DONE;
    });
    const answer = await fetch(gateway.baseUrl);
    expect([answer.status, await answer.json()]).toEqual([502, { message: 'Internal server error' }]);
  });

  test('that breaks off in the middle is cut, so that no caller takes it for whole', async () => {
    const gateway = await gatewayTo(async (sink) => {
      await sink.write(Buffer.from(`{"statusCode":200}${SEPARATOR}half`));
      return { status: 'failed', payload: '{}' };
    });
    const answer = await fetch(gateway.baseUrl);
    await expect(answer.text()).rejects.toThrow();
  });

  test('whose caller goes away notifies the function, and the invocation ends by itself', async () => {
    let isNotified = false;
    let ended = false;
    const gateway = await gatewayTo(async (sink) => {
      await sink.write(Buffer.from(`{"statusCode":200}${SEPARATOR}start`));
      await new Promise((resolve) => sink.gone.addEventListener('abort', resolve));
      isNotified = true;
      await sink.write(Buffer.from('unsent'));
      await sleep(50);
      ended = true;
      return DONE;
    });
    const answer = await send(gateway, '/');
    answer.destroy();
    await expect.poll(() => [isNotified, ended]).toEqual([true, true]);
  });
});

describe('a limit of API Gateway', () => {
  const outcomes: [string, Outcome | undefined, number][] = [
    ['fails', { status: 'failed', payload: '{}', errorType: 'Error' }, 502],
    ['times out', { status: 'failed', payload: '{}', errorType: 'Sandbox.Timedout' }, 504],
    ['is throttled', { status: 'throttled', payload: '{}' }, 500],
    ['does not exist', undefined, 502],
  ];
  test.each(outcomes)('a function that %s', async (_what, outcome, status) => {
    const gateway = await gatewayTo(async () => outcome);
    expect((await fetch(gateway.baseUrl)).status).toBe(status);
  });

  test('an integration that takes longer than its timeout is 504, and the function learns that nobody waits', async () => {
    let isNotified = false;
    const answer: Answerer = async (sink) => {
      await new Promise((resolve) => sink.gone.addEventListener('abort', resolve));
      isNotified = true;
      return DONE;
    };
    const gateway = await gatewayTo(answer, { timeoutMs: 50 });
    const refused = await fetch(gateway.baseUrl);
    expect([refused.status, await refused.json()]).toEqual([504, { message: 'Endpoint request timed out' }]);
    expect(isNotified).toBe(true);
  });

  test('a stream without a byte for the idle time is cut, one that keeps talking is not', async () => {
    const talk =
      (delayMs: number): Answerer =>
      async (sink) => {
        await sink.write(Buffer.from(`{"statusCode":200}${SEPARATOR}`));
        for (let n = 0; n < 4; n++) {
          await sink.write(Buffer.from('.'));
          await sleep(delayMs);
        }
        sink.end();
        return DONE;
      };
    const lively = await gatewayTo(talk(60), { idleMs: 150 });
    expect(await (await fetch(lively.baseUrl)).text()).toBe('....');
    const silent = await gatewayTo(talk(400), { idleMs: 150 });
    await expect(fetch(silent.baseUrl).then((answer) => answer.text())).rejects.toThrow();
  });

  test('a body over 10 MB, or over what the function takes in base64, is 413 and reaches no function', async () => {
    let invoked = 0;
    const gateway = await gatewayTo(async (sink, event) => {
      invoked++;
      return mirror(sink, event);
    });
    const post = (bytes: number) => fetch(gateway.baseUrl, { method: 'POST', body: Buffer.alloc(bytes) });
    for (const bytes of [10 * 1_024 * 1_024 + 1, 5 * 1_024 * 1_024]) {
      const answer = await post(bytes);
      expect([answer.status, await answer.json()]).toEqual([413, { message: 'Request Too Long' }]);
    }
    expect(invoked).toBe(0);
    expect((await post(4 * 1_024 * 1_024)).status).toBe(200);
  });

  test('headers over 10,240 bytes are 431', async () => {
    const gateway = await gatewayTo(mirror);
    expect((await send(gateway, '/', { 'x-long': 'a'.repeat(9_000) })).statusCode).toBe(200);
    expect((await send(gateway, '/', { 'x-long': 'a'.repeat(10_300) })).statusCode).toBe(431);
  });

  test('a path that cannot be decoded is 400, one without a route 403', async () => {
    expect((await send(await gatewayTo(mirror), '/%zz')).statusCode).toBe(400);
    expect((await send(await gatewayTo(mirror, { paths: ['/'] }), '/a')).statusCode).toBe(403);
  });

  test('a request that two servers could read in two ways reaches no function', async () => {
    let invoked = 0;
    const gateway = await gatewayTo(async () => {
      invoked++;
      return DONE;
    });
    const smuggled = [
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd',
      'GET http://elsewhere/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
    ];
    for (const bytes of smuggled) expect(await sendRaw(gateway, bytes), bytes).toMatch(/^HTTP\/1\.1 400 /);
    expect(invoked).toBe(0);
  });

  test('its refusals wear the words of the template', async () => {
    const errors: GatewayError[] = [
      {
        type: 'REQUEST_TOO_LARGE',
        status: 418,
        headers: { 'x-worded': 'yes' },
        template: '{"m":$context.error.messageString}',
      },
      {
        type: 'DEFAULT_5XX',
        status: 599,
        headers: {},
        template: '{"id":"$context.requestId","t":"$context.error.responseType"}',
      },
    ];
    const gateway = await gatewayTo(async () => undefined, { errors });
    const large = await fetch(gateway.baseUrl, { method: 'POST', body: Buffer.alloc(11_000_000) });
    expect([large.status, large.headers.get('x-worded'), await large.json()]).toEqual([
      418,
      'yes',
      { m: 'Request Too Long' },
    ]);
    const failed = await fetch(gateway.baseUrl);
    const requestId = failed.headers.get('x-amzn-requestid');
    expect([failed.status, await failed.json()]).toEqual([599, { id: requestId, t: 'FUNCTION_FAILURE' }]);
  });

  test('a port that is taken is reported with the way out', async () => {
    const port = Number(new URL((await gatewayTo(mirror)).baseUrl).port);
    const options = { api: { routes: [], errors: [] }, host: '127.0.0.1', port, invoke: async () => DONE };
    await expect(startGateway({ ...options, localPage: async () => false })).rejects.toThrow(
      `Port ${port} is taken. Choose another: PORT=${port + 1} npm start`,
    );
  });
});
