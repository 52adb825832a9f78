// What a socket can say that no client library would: paths that climb, methods that nobody has, targets of proxies,
// headers by the thousand. And what every answer says of itself.

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
}, 120_000);
afterAll(() => runtime?.stop());

async function said(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(runtime.baseUrl).port), '127.0.0.1');
  socket.setTimeout(20_000, () => socket.destroy(new Error('no end')));
  socket.write(bytes);
  return text(socket);
}

const get = (target: string, headers: string[] = [], method = 'GET') =>
  said(`${[`${method} ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`);

test.each([
  '/_local/feeds/../../package.json',
  '/_local/feeds/..%2f..%2fpackage.json',
  '/_local/feeds/%2e%2e/%2e%2e/package.json',
  '/_local/feeds/....//....//package.json',
  '/_local/feeds/..\\..\\package.json',
  '/_local/feeds//etc/passwd',
  '/_local/feeds/news.rss.xml%00.json',
  '/_local/feeds/.',
  '/_local/../_local/feeds/../hello.yaml',
  '/_local/inbox/__proto__/received/../..',
  '/_local/documents/../hello.yaml',
  '/../../../../etc/passwd',
  '//etc/passwd',
  '/v1/flows/..%2f..%2fkeys',
  '/v1/files/..%2f..%2fpackage.json/content?tenant=demo&until=99999999999999&signature=x',
])('%s leads to no file', async (target) => {
  const answer = await get(target, [`Authorization: Bearer ${api.key}`]);
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(answer).not.toMatch(/"errand"|root:|flow: 1/);
});

test('a caller cannot choose the host of callback addresses', async () => {
  const source = 'flow: 1\nname: ask\nnodes: { ok: { type: approval, with: { message: "Go?" } } }\noutputs: {}\n';
  await publishFlow(api, 'ask', source);
  const body = JSON.stringify({ mode: 'async' });
  const lines = ['POST /v1/flows/ask/runs HTTP/1.1', 'Host: evil.example', 'X-Forwarded-Host: evil.example'];
  const headers = [`Authorization: Bearer ${api.key}`, 'Content-Type: application/json', 'Connection: close'];
  const answer = await said([...lines, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'));
  expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  expect(answer).not.toContain('evil.example');
  const id = /"id":"([^"]+)"/.exec(answer)?.[1];
  const nodes = () => api.call('GET', `/v1/runs/${id}/nodes`).then(({ body }) => JSON.stringify(body));
  await expect.poll(nodes).toContain(`${runtime.baseUrl}/v1/signals/`);
  expect(await nodes()).not.toContain('evil.example');
});

test.each(['__proto__', 'constructor', 'toString'])('an inbox may be called %s', async (name) => {
  const answer = await get(`/_local/inbox/${name}/received`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\[\]/);
});

test.each([
  ['a method that nobody has', 'BREW /v1/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nCookie: a=s3cret\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 40\d /],
  ['CONNECT', 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: a\r\n\r\n', /^(HTTP\/1\.1 4\d\d |$)/],
  [
    'the target of a proxy',
    'GET http://169.254.169.254/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  ['no host', 'GET /v1/me HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['two hosts', 'GET /v1/me HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 4\d\d /],
  [
    'a folded header',
    'GET /v1/me HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 4\d\d /,
  ],
  [
    'a bare line feed in a header',
    'GET /v1/me HTTP/1.1\r\nHost: a\r\nX-A: b\nX-B: c\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 4\d\d /,
  ],
  [
    'a chunk size that is none',
    'POST /v1/me HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  ['nonsense', '\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n', /^HTTP\/1\.1 400 /],
])('%s is refused, and reveals nothing', async (_, bytes, status) => {
  const answer = await said(bytes);
  expect(answer).toMatch(status);
  expect(answer).not.toMatch(/s3cret|node_modules|\.ts:\d/);
});

test('thousands of headers are refused before anything reads them', async () => {
  const many = Array.from({ length: 5_000 }, (_, n) => `X-${n}: 1`);
  expect(await get('/v1/me', many)).toMatch(/^HTTP\/1\.1 431 /);
});

test('a line break in a path or a value becomes no header of the answer', async () => {
  for (const target of ['/v1/flows/x%0d%0aset-cookie:%20a=b', '/v1/runs?user=x%0d%0aset-cookie:%20a=b']) {
    const [head = ''] = (await get(target, [`Authorization: Bearer ${api.key}`])).split('\r\n\r\n');
    expect(head.toLowerCase()).not.toContain('\nset-cookie');
  }
});

test.each<[string, string, string[]]>([
  ['an answer', '/v1/me', []],
  ['a refusal', '/v1/nothing', []],
  ['a refusal of the gateway', '/%zz', []],
  ['a public page', '/health', []],
  ['an answer to another site', '/v1/me', ['Origin: https://evil.example.com']],
])('%s is kept out of caches, frames and sniffing, and names no product', async (_, target, headers) => {
  const answer = await get(target, [`Authorization: Bearer ${api.key}`, ...headers]);
  const [head = ''] = answer.toLowerCase().split('\r\n\r\n');
  expect(head).toContain('\nx-content-type-options: nosniff');
  expect(head).toContain('\ncache-control: no-store');
  expect(head).toContain('\nstrict-transport-security: ');
  // Keys belong into programs: pages of other sites get no leave to read.
  expect(head).not.toMatch(/\n(server|x-powered-by|via|access-control-[a-z-]+|set-cookie):/);
});

test('a preflight of another site gets no leave', async () => {
  const asked = ['Origin: https://evil.example.com', 'Access-Control-Request-Method: POST'];
  const answer = await get('/v1/flows/x/runs', asked, 'OPTIONS');
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  expect(answer.toLowerCase()).not.toContain('access-control-');
});

test('after all of it the platform is well', async () => {
  expect((await api.call('GET', '/v1/me')).status).toBe(200);
});
