// An author of flows, or a caller with a key, against the machine that the platform runs on: its database, queues, secrets
// and functions listen on this machine, and flows may call addresses of this machine.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { findListeningPorts } from '../support/listening-ports.ts';
import { hasPython } from '../support/python.ts';
import { startTestRuntime } from '../support/runtime.ts';

const CALL = `
flow: 1
name: call
inputs: { url: { type: string, required: true }, target: { type: string }, secret: { type: string } }
nodes:
  call:
    type: http
    with:
      url: "\${{ $inputs.url }}"
      method: POST
      redirects: 5
      headers:
        x-amz-target: "\${{ $inputs.target }}"
        authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/aws/aws4_request, SignedHeaders=host, Signature=00
        x-amz-date: 20260101T000000Z
      bodyType: json
      body: { SecretId: "\${{ $inputs.secret }}" }
outputs: { body: "\${{ $nodes.call.body }}" }
`;

const INVOKE = `
flow: 1
name: NAME
nodes:
  call: { type: lambda, with: { function: "FUNCTION", payload: { bootstrap: { tenant: demo } } } }
outputs: { answer: "\${{ $nodes.call }}" }
`;

const JAVASCRIPT = `
flow: 1
name: jsSockets
inputs: { ports: { type: array, required: true } }
nodes:
  reach:
    type: code
    timeout: 60s
    with:
      language: javascript
      args: { ports: "\${{ $inputs.ports }}" }
      source: |
        import net from 'node:net';
        import http from 'node:http';
        const HOSTS = ['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::ffff:127.0.0.1', '127.1', '2130706433'];
        const settled = (start) => new Promise((resolve) => {
          const timer = setTimeout(() => resolve(false), 1000);
          start((reached) => { clearTimeout(timer); resolve(reached); });
        });
        const bySocket = (host, port) => settled((done) => {
          const socket = net.connect(port, host, () => { done(true); socket.destroy(); });
          socket.on('error', () => done(false));
        });
        const byFetch = (host, port) => fetch('http://' + (host.includes(':') ? '[' + host + ']' : host) + ':' + port, { signal: AbortSignal.timeout(1000) })
          .then(() => true, () => false);
        const byRequest = (host, port) => settled((done) => {
          const request = http.get({ host, port }, () => { done(true); request.destroy(); });
          request.on('error', () => done(false));
        });
        // The handle beneath a socket, used without the socket.
        const byHandle = (host, port) => settled((done) => {
          let Request;
          const socket = new net.Socket();
          socket.on('error', () => {});
          socket.connect(1, '127.0.0.1');
          const TCP = socket._handle.constructor;
          const value = (request) => { Request = request.constructor; return 0; };
          Object.defineProperty(socket._handle, 'connect', { value });
          setTimeout(() => {
            try {
              const request = new Request();
              request.oncomplete = (status) => done(status === 0);
              const { connect, connect6 } = TCP.prototype;
              if ((host.includes(':') ? connect6 : connect).call(new TCP(0), request, host, port) !== 0) done(false);
            } catch { done(false); }
          }, 5);
        });
        export async function main({ ports }) {
          const reached = [];
          for (const port of ports) {
            for (const host of HOSTS) {
              for (const way of [bySocket, byFetch, byRequest, byHandle]) {
                const done = await way(host, port).catch(() => false);
                if (done) reached.push(way.name + ' ' + host + ' ' + port);
              }
            }
          }
          return { reached };
        }
outputs: { reached: "\${{ $nodes.reach.reached }}" }
`;

const PYTHON = `
flow: 1
name: pythonSockets
inputs: { ports: { type: array, required: true } }
nodes:
  reach:
    type: code
    timeout: 60s
    with:
      language: python
      args: { ports: "\${{ $inputs.ports }}" }
      source: |
        import ctypes
        import socket
        import subprocess
        import sys

        HOSTS = ["127.0.0.1", "localhost", "::1", "0.0.0.0", "::ffff:127.0.0.1", "127.1"]
        OTHER = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"

        def by_socket(host, port):
            socket.create_connection((host, port), 1).close()

        def by_libc(host, port):
            libc = ctypes.CDLL(None)
            with socket.socket() as s:
                address = b"\\x02\\x00" + port.to_bytes(2, "big") + socket.inet_aton("127.0.0.1") + bytes(8)
                if libc.connect(s.fileno(), address, 16) != 0:
                    raise OSError()

        def by_program(host, port):
            subprocess.run([sys.executable, "-c", OTHER, host, str(port)], check=True, stderr=subprocess.DEVNULL)

        def main(ports):
            reached = []
            for port in ports:
                for host in HOSTS:
                    for way in [by_socket, by_libc] + ([by_program] if host == "127.0.0.1" else []):
                        try:
                            way(host, port)
                            reached.append(f"{way.__name__} {host} {port}")
                        except Exception:
                            pass
            return {"reached": reached}
outputs: { reached: "\${{ $nodes.reach.reached }}" }
`;

let receiver: HttpServer;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let operator: ApiClient;
let author: ApiClient;

beforeAll(async () => {
  receiver = await startHttpServer((request, response) => {
    const to = new URL(request.url ?? '/', receiver.origin).searchParams.get('to');
    response.writeHead(to ? 307 : 200, to ? { location: to } : {}).end('{"fine":true}');
  });
  runtime = await startTestRuntime();
  operator = await demoClient(runtime);
  const { body } = await operator.call('POST', '/v1/keys', { scopes: ['run', 'admin'] });
  author = operator.as(body.credentials.key);
  await publishFlow(author, 'call', CALL);
  await publishFlow(author, 'jsSockets', JAVASCRIPT);
  await publishFlow(author, 'pythonSockets', PYTHON);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await receiver?.[Symbol.asyncDispose]();
});

const readPort = (url: string): number => Number(new URL(url).port);
const SPELLINGS = [
  '127.0.0.1',
  'localhost',
  '[::1]',
  '0.0.0.0',
  '2130706433',
  '0x7f000001',
  '127.1',
  '[::ffff:7f00:1]',
];
const run = (flow: string, inputs: object) => author.call('POST', `/v1/flows/${flow}/runs`, { inputs });

/** What the platform listens on for itself: the public API and the receiver of this test are no secrets. */
function findOwnPorts(): number[] {
  const known = Object.values(runtime.endpoints).map(readPort);
  const open = [readPort(runtime.baseUrl), receiver.port];
  return [...new Set([...known, ...findListeningPorts()])].filter((port) => !open.includes(port));
}

const secretArn = (): string => runtime.blueprint.secrets[0]?.arn ?? '';

describe('an http node', () => {
  test.each(SPELLINGS)('reads no secret over %s', async (host) => {
    const url = `http://${host}:${readPort(runtime.endpoints.aws)}/`;
    const { body } = await run('call', { url, target: 'secretsmanager.GetSecretValue', secret: secretArn() });
    expect(JSON.stringify(body)).not.toContain('SecretString');
    expect(body).toMatchObject({ status: 'failed', outputs: {} });
  });

  test('reaches none of the ports that the platform keeps to itself', async () => {
    const ports = findOwnPorts();
    expect(ports.length).toBeGreaterThanOrEqual(4);
    for (const port of ports) {
      for (const host of SPELLINGS) {
        const { body } = await run('call', { url: `http://${host}:${port}/`, target: 'DynamoDB_20120810.ListTables' });
        expect([host, port, body.status, body.error?.message]).toEqual([
          host,
          port,
          'failed',
          expect.stringMatching(/belongs to the platform|reserved address|not be called/),
        ]);
      }
    }
  }, 180_000);

  test('is not led there by a redirect', async () => {
    const to = `http://localhost:${readPort(runtime.endpoints.dynamodb)}/`;
    const { body } = await run('call', { url: `${receiver.origin}/?to=${encodeURIComponent(to)}` });
    expect(body).toMatchObject({ status: 'failed' });
    expect(body.error.message).toContain('belongs to the platform');
  });

  test('still reaches receivers of this machine, the samples and the public API', async () => {
    expect((await run('call', { url: `${receiver.origin}/` })).body.status).toBe('succeeded');
    expect((await run('call', { url: `${runtime.baseUrl}/_local/inbox/first` })).body.status).toBe('succeeded');
    const { body } = await run('call', { url: `${runtime.baseUrl}/v1/signals/none` });
    expect(body.error?.message ?? '').not.toContain('belongs to the platform');
  });
});

test('a webhook cannot be one of the platform', async () => {
  for (const port of findOwnPorts()) {
    const webhooks = [{ url: `http://localhost:${port}/` }];
    const { status, body } = await author.call('POST', '/v1/flows/call/runs', {
      mode: 'async',
      inputs: { url: receiver.origin },
      webhooks,
    });
    expect([status, body.error?.code]).toEqual([400, 'unsafe-url']);
  }
});

describe('a code node', () => {
  test('in JavaScript opens no connection to the platform, whatever it tries', async () => {
    const { body } = await run('jsSockets', { ports: findOwnPorts() });
    expect([body.error, body.outputs.reached]).toEqual([null, []]);
  }, 120_000);

  test('in JavaScript still reaches other servers', async () => {
    const { body } = await run('jsSockets', { ports: [receiver.port] });
    expect(body.outputs.reached).toEqual(
      expect.arrayContaining(
        ['bySocket', 'byFetch', 'byRequest', 'byHandle'].map((way) => `${way} 127.0.0.1 ${receiver.port}`),
      ),
    );
  });

  test.runIf(hasPython && process.platform === 'linux')(
    'in Python opens no connection to the platform, whatever it tries',
    async () => {
      const { body } = await run('pythonSockets', { ports: findOwnPorts() });
      expect([body.error, body.outputs.reached]).toEqual([null, []]);
    },
    120_000,
  );

  test.runIf(hasPython)('in Python still reaches other servers', async () => {
    const { body } = await run('pythonSockets', { ports: [receiver.port] });
    expect(body.outputs.reached).toEqual(
      expect.arrayContaining(['by_socket', 'by_libc', 'by_program'].map((way) => `${way} 127.0.0.1 ${receiver.port}`)),
    );
  });
});

describe('whoever has no secret of this start', () => {
  const credential = (id: string) =>
    `AWS4-HMAC-SHA256 Credential=${id}/20260101/us-east-1/aws/aws4_request, SignedHeaders=host, Signature=00`;
  const ask = (url: string, target: string, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target, ...headers },
      body: JSON.stringify({ SecretId: secretArn() }),
    });

  test('is refused by each of the stand-ins for AWS', async () => {
    const { dynamodb, queues, machines, aws } = runtime.endpoints;
    const asked = [
      [dynamodb, 'DynamoDB_20120810.ListTables'],
      [queues, 'AmazonSQS.ListQueues'],
      [machines, 'AWSStepFunctions.ListStateMachines'],
      [aws, 'secretsmanager.GetSecretValue'],
    ] as const;
    for (const [endpoint, target] of asked) {
      expect([target, (await ask(endpoint, target)).status]).toEqual([target, 403]);
      expect((await ask(endpoint, target, { authorization: credential('local') })).status).toBe(403);
    }
    for (const { name } of runtime.blueprint.functions) {
      const path = `/2015-03-31/functions/${name}/invocations`;
      expect((await fetch(`${aws}${path}`, { method: 'POST', body: '{}' })).status).toBe(403);
    }
    expect((await fetch(`${queues}/${runtime.blueprint.buckets[0]}`)).status).toBe(403);
  });

  test('finds none in the address of an upload, and uploads what was announced and nothing else', async () => {
    const announced = { name: 'a.txt', type: 'text/plain', size: 3 };
    const { body } = await author.call('POST', '/v1/files', announced);
    const { url, headers } = body.upload;
    const put = (text: string, to = url) => fetch(to, { method: 'PUT', headers, body: text });
    const id = new URL(url).searchParams.get('X-Amz-Credential')?.split('/')[0] ?? '';
    const authorization = credential(id);
    expect((await ask(runtime.endpoints.aws, 'secretsmanager.GetSecretValue', { authorization })).status).toBe(403);
    expect((await put('more than that')).status).toBe(403);
    expect((await put('ab')).status).toBe(403);
    expect((await put('abc', url.replace(body.id, 'another'))).status).toBe(403);
    expect((await author.call('GET', `/v1/files/${body.id}`)).body.download).toBeNull();
    expect((await put('abc')).status).toBe(200);
    const { download } = (await author.call('GET', `/v1/files/${body.id}`)).body;
    expect(await (await fetch(download.url)).text()).toBe('abc');
    expect(
      (await fetch(download.url.replace(/response-content-type=[^&]*/, 'response-content-type=text%2Fhtml'))).status,
    ).toBe(403);
  });
});

test('nobody becomes operator by the bootstrap once there is an operator, but the owner of the machine may', async () => {
  for (const bootstrap of [{ tenant: 'demo' }, { tenant: 'other' }, { tenant: 'demo', key: 'mine' }]) {
    await expect(runtime.invoke('sweep', { bootstrap })).rejects.toThrow("scope 'operator' exists already");
  }
  expect((await operator.call('GET', '/v1/tenants/other')).status).toBe(404);
  const again = await demoClient(runtime);
  expect((await again.call('GET', '/v1/tenants')).status).toBe(200);
  await expect(runtime.invoke('sweep', { bootstrap: { tenant: 'demo' } })).rejects.toThrow('exists already');
});

describe('a lambda node', () => {
  const invoke = async (name: string, fn: string) => {
    await publishFlow(author, name, INVOKE.replace('NAME', name).replace('FUNCTION', fn));
    return (await author.call('POST', `/v1/flows/${name}/runs`, {})).body;
  };
  let count = 0;

  test('reaches no function of the platform, by whatever name', async () => {
    const names = runtime.blueprint.functions.flatMap(({ name, arn }) => [name, arn]);
    for (const fn of [
      ...names,
      'sweep',
      'Sweep',
      'api',
      'work',
      'advance',
      'deliver',
      'Code',
      'JavaScript',
      'Python',
    ]) {
      count += 1;
      const body = await invoke(`invoke${count}`, fn);
      expect(JSON.stringify(body), fn).not.toMatch(/"key"/);
      expect([fn, body.status, body.error?.message]).toEqual([
        fn,
        'failed',
        expect.stringMatching(/AccessDeniedException|ResourceNotFoundException/),
      ]);
    }
  }, 120_000);

  test('reaches the example functions', async () => {
    expect((await invoke('echo', 'echo')).outputs.answer).toEqual({ bootstrap: { tenant: 'demo' } });
  });
});
