import { expect, test } from 'vitest';
import * as z from 'zod';
import { readRequest } from '../../lambdas/api-gateway/event.ts';
import type { Reply } from '../../lambdas/core/api/reply.ts';
import { type Dialect, json, type Route, route } from '../../lambdas/core/dialects/dialect.ts';
import { native } from '../../lambdas/core/dialects/native/dialect.ts';
import { ApiError, ServiceUnavailable } from '../../lambdas/core/errors.ts';
import type { Key, Tenant } from '../../lambdas/core/ports/catalog.ts';
import type { Log, Ports } from '../../lambdas/core/ports/ports.ts';
import { apiEvent, makeApi } from '../support/api-event.ts';

const logged: { level: string; message: string; fields: Record<string, unknown> | undefined }[] = [];
const note = (level: string) => (message: string, fields?: Record<string, unknown>) => {
  logged.push({ level, message, fields });
};
const log: Log = { info: note('info'), warn: note('warn'), error: note('error'), metric: () => undefined };
const ports = { clock: { now: () => 1_000, sleep: async () => undefined }, log } as unknown as Ports;

const reply = (path: string, handle: (call: Parameters<Route['handle']>[0]) => Reply | Promise<Reply>, extra = {}) =>
  route({
    id: 'test',
    method: 'GET',
    path,
    access: 'anyone',
    tag: 'Test',
    summary: 'A test',
    answers: {},
    errors: [],
    handle: async (call) => handle(call as never),
    ...extra,
  }) as Route;

const param = (name: string) => ({ params: z.object({ [name]: z.string() }) });
const echo = (path: string, extra = {}) =>
  reply(path, ({ params, query, body }) => json(200, { path, params, query, body }), extra);

const key = { id: 'key_1', scopes: ['run'] } as unknown as Key;
const vendor: Dialect = {
  ...native,
  name: 'dify',
  authenticate: async () => ({ tenant: { id: 'acme' } as Tenant, key }),
  renderError: ({ code }, { id }) => json(418, { vendor: code, id }),
  routes: [echo('/v1/workflows/{task}/stop', { method: 'POST', ...param('task') })],
};

const api = makeApi(
  [
    {
      ...native,
      routes: [
        echo('/v1/flows/{name}', param('name')),
        echo('/v1/flows/{name}/{part}', { params: z.object({ name: z.string(), part: z.string() }) }),
        echo('/v1/flows/{name}/draft', param('name')),
        echo('/v1/flows/all'),
        echo('/v1/'),
        echo('/v1/flows/{name}', { method: 'DELETE', ...param('name') }),
        echo('/v1/runs:batch', { method: 'POST', body: { kind: 'json', schema: z.strictObject({ n: z.int() }) } }),
        echo('/v1/small', { method: 'POST', body: { kind: 'json', schema: z.unknown(), maxBytes: 10 } }),
        echo('/v1/list', { query: z.strictObject({ limit: z.coerce.number().int().max(9).optional() }) }),
        echo('/v1/yaml', {
          method: 'PUT',
          body: { kind: 'text', mediaTypes: ['application/yaml'], description: '', example: '' },
        }),
        reply('/v1/fault', () => Promise.reject(new Error('secret detail of the table'))),
        reply('/v1/throttled', () =>
          Promise.reject(new ServiceUnavailable(new Error('secret detail of the throttle'))),
        ),
        reply('/v1/full', () => Promise.reject(new ApiError('tenant-over-limit'))),
        reply('/v1/caller', ({ caller }) => json(200, caller.tenant)),
        reply('/v1/broken-stream', () => ({
          status: 200,
          body: {
            type: 'application/json',
            stream: (async function* () {
              yield ' ';
              throw new Error('secret detail of the stream');
            })(),
          },
        })),
        reply('/v1/circular', () => {
          const body: Record<string, unknown> = {};
          body['self'] = body;
          return json(200, body);
        }),
        reply('/v1/origin', ({ request }) => json(200, { origin: request.origin, path: request.path })),
      ],
    },
    vendor,
  ],
  ports,
);

const readError = async (call: Parameters<typeof api>[0]) => {
  const { status, json: read } = await api(call);
  return { status, ...(read()['error'] as Record<string, unknown> | undefined) };
};

test('matches fixed paths before parameters', async () => {
  expect((await api({ path: '/v1/flows/all' })).json()).toMatchObject({ path: '/v1/flows/all' });
  expect((await api({ path: '/v1/flows/x/draft' })).json()).toMatchObject({ path: '/v1/flows/{name}/draft' });
  expect((await api({ path: '/v1/flows/x/y' })).json()).toMatchObject({ path: '/v1/flows/{name}/{part}' });
});

test.each(['/v1', '/v1/', '//v1//'])('finds a route that ends in a slash at %s', async (path) => {
  expect((await api({ path })).status).toBe(200);
});

test('takes repeated and trailing slashes for what they mean', async () => {
  expect((await api({ path: '//v1///flows//all/' })).json()).toMatchObject({ path: '/v1/flows/all' });
});

test('decodes a path parameter once', async () => {
  const { json: read } = await api({ path: '/v1/flows/pages%5B2%5D.t%C3%A9xt%252F' });
  expect(read()).toMatchObject({ params: { name: 'pages[2].téxt%2F' } });
});

test('refuses a path that is not valid percent-encoding', async () => {
  expect(await readError({ path: '/v1/flows/%E0%A4%A' })).toMatchObject({
    status: 400,
    code: 'invalid-request',
    message: 'name is not valid percent-encoding',
  });
});

test('answers an unknown path with not-found in the envelope', async () => {
  expect(await readError({ path: '/v2/nothing' })).toEqual({
    status: 404,
    code: 'not-found',
    message: 'There is nothing at GET /v2/nothing',
    requestId: 'request-1',
  });
});

test('answers a wrong method with 405 and the methods that are offered', async () => {
  const answer = await api({ method: 'PATCH', path: '/v1/flows/x' });
  expect(answer.status).toBe(405);
  expect(answer.headers['allow']).toBe('GET, HEAD, DELETE');
  expect((await api({ method: 'TRACE', path: '/v1/flows/x' })).status).toBe(404);
});

test('answers HEAD like GET, without the body', async () => {
  const answer = await api({ method: 'HEAD', path: '/v1/flows/all' });
  expect(answer).toMatchObject({ status: 200, text: '' });
});

test('speaks the dialect of the route in its errors', async () => {
  expect((await api({ method: 'GET', path: '/v1/workflows/7/stop' })).json()).toEqual({
    vendor: 'invalid-request',
    id: 'request-1',
  });
});

test('answers in the form of the native API when the error form of a dialect fails', async () => {
  const broken: Dialect = {
    ...vendor,
    renderError: () => {
      throw new Error('no form for this');
    },
    routes: [reply('/v1/broken', () => Promise.reject(new ApiError('not-found')))],
  };
  const answer = await makeApi([native, broken], ports)({ path: '/v1/broken' });
  expect(answer.status).toBe(500);
  expect(answer.json()).toMatchObject({ error: { code: 'internal', requestId: 'request-1' } });
});

test('a fixed path without the method hides no route with a parameter in another place', async () => {
  const routes = [echo('/v1/{a}/x', { method: 'POST', ...param('a') }), echo('/v1/b/{c}', param('c'))];
  const call = makeApi([{ ...native, routes }], ports);
  expect((await call({ path: '/v1/b/x' })).json()).toMatchObject({ path: '/v1/b/{c}' });
  expect((await call({ method: 'POST', path: '/v1/b/x', body: '' })).json()).toMatchObject({ path: '/v1/{a}/x' });
  expect((await call({ path: '/v1/b/' })).status).toBe(404);
});

test('refuses two routes for one call', () => {
  expect(() => makeApi([{ ...native, routes: [echo('/a/{b}'), echo('/a/{c}')] }], ports)).toThrow('GET /a/{c}');
});

test('names the field that is wrong', async () => {
  const post = (body: string | object) => readError({ path: '/v1/runs:batch', body });
  expect(await post({ n: '1' })).toMatchObject({ status: 400, code: 'invalid-request', details: [{ field: 'n' }] });
  expect(await post({ n: 1, N: 2 })).toMatchObject({
    details: [{ field: 'N', message: "is not a field of this request (did you mean 'n'?)" }],
  });
  expect(await post('{"n": 1')).toMatchObject({ status: 400, details: [{ line: 1, column: 8 }] });
  expect(await post('[]')).toMatchObject({ status: 400, code: 'invalid-request' });
  expect(await post('{"n": 1, "__proto__": {"x": 1}}')).toMatchObject({
    status: 400,
    details: [{ field: '__proto__' }],
  });
});

test('refuses a query parameter that is unknown, wrong or given twice', async () => {
  expect(await readError({ path: '/v1/list?limit=10' })).toMatchObject({ status: 400, details: [{ field: 'limit' }] });
  expect(await readError({ path: '/v1/list?limti=1' })).toMatchObject({
    details: [{ field: 'limti', message: "is not a field of this request (did you mean 'limit'?)" }],
  });
  expect(await readError({ path: '/v1/list?limit=1&limit=2' })).toMatchObject({
    message: 'limit is given more than once',
  });
});

test('refuses a body that is too large with 413', async () => {
  expect(await readError({ path: '/v1/small', body: '"12345678901"' })).toMatchObject({
    status: 413,
    code: 'payload-too-large',
  });
});

test('refuses a media type that the call does not take', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  expect(await readError({ path: '/v1/runs:batch', headers, body: 'n=1' })).toMatchObject({
    status: 400,
    message: 'Content-Type must be application/json',
  });
  const vendorJson = { 'content-type': 'application/vnd.x+json; charset=utf-8' };
  expect((await api({ path: '/v1/runs:batch', headers: vendorJson, body: { n: 1 } })).status).toBe(200);
});

test('hands a text body over as it came', async () => {
  const answer = await api({
    method: 'PUT',
    path: '/v1/yaml',
    headers: { 'content-type': 'application/yaml' },
    body: 'a: ü',
  });
  expect(answer.json()).toMatchObject({ body: 'a: ü' });
});

test('says nothing of a fault but internal, and logs it once', async () => {
  logged.length = 0;
  const answer = await api({ path: '/v1/fault' });
  expect(answer.status).toBe(500);
  expect(answer.text).not.toMatch(/secret/);
  const errors = logged.filter(({ level }) => level === 'error');
  expect(errors).toHaveLength(1);
  expect(errors[0]?.fields).toMatchObject({ requestId: 'request-1', route: 'GET /v1/fault' });
});

test('answers once, with internal, when a reply cannot be written as JSON', async () => {
  logged.length = 0;
  expect(await readError({ path: '/v1/circular' })).toMatchObject({ status: 500, code: 'internal' });
  expect(logged.map(({ message }) => message)).toEqual(['The request failed', 'request']);
});

test('turns a throttled service into unavailable with Retry-After', async () => {
  logged.length = 0;
  const answer = await api({ path: '/v1/throttled' });
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  expect(answer.json()).toMatchObject({ error: { code: 'unavailable' } });
  expect(answer.text).not.toMatch(/secret/);
  expect(logged.map(({ message }) => message)).toEqual(['A service of the platform did not answer', 'request']);
});

test('sends Retry-After with 429 and WWW-Authenticate with 401', async () => {
  expect(await api({ path: '/v1/full' })).toMatchObject({ status: 429, headers: { 'retry-after': '5' } });
});

test('lets no route without a key look at its caller', async () => {
  expect((await api({ path: '/v1/caller' })).status).toBe(500);
});

test('ends a stream that breaks after its status with the error as its body', async () => {
  const answer = await api({ path: '/v1/broken-stream' });
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({
    error: { code: 'internal', message: 'The platform failed', requestId: 'request-1' },
  });
});

test('keeps answers out of caches, frames and sniffing, and names the request', async () => {
  expect((await api({ path: '/v1/flows/all' })).headers).toMatchObject({
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
    'x-content-type-options': 'nosniff',
    'x-request-id': 'request-1',
  });
});

test('knows the address under which it was called', async () => {
  const readOrigin = async (call: object) => (await api({ path: '/v1/origin', ...call })).json();
  expect(await readOrigin({})).toEqual({ origin: 'https://api.example.com', path: '/v1/origin' });
  expect(await readOrigin({ stage: 'prod' })).toMatchObject({ origin: 'https://api.example.com/prod' });
  const local = { 'x-forwarded-proto': 'http' };
  expect(await readOrigin({ headers: local })).toMatchObject({ origin: 'http://api.example.com' });
  for (const host of ['evil.example', 'evil.example/"<script>']) {
    expect(await readOrigin({ headers: { host } })).toMatchObject({ origin: 'https://api.example.com' });
  }
});

test('has the address that the deployment names, whatever the gateway and the caller say', () => {
  const event = apiEvent({ path: '/v1/me', stage: 'prod', headers: { host: 'evil.example' } });
  const read = (publicOrigin: string) => readRequest(event, { id: '1', receivedAt: 0, publicOrigin }).origin;
  expect(read('https://flows.example.com/')).toBe('https://flows.example.com');
  expect(read('https://example.com/flows')).toBe('https://example.com/flows');
  expect(read('')).toBe('https://api.example.com/prod');
});

test('logs ids and sizes of a request, never its payload', async () => {
  logged.length = 0;
  await api({ path: '/v1/runs:batch', body: { n: 1 } });
  expect(logged).toEqual([
    {
      level: 'info',
      message: 'request',
      fields: { requestId: 'request-1', route: 'POST /v1/runs:batch', status: 200, durationMs: 0, bytes: 7 },
    },
  ]);
});
