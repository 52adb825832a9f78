// One journey of everything secret through everything that emits: whoever receives it quotes it back, the platform never
// does. Looked at are all answers, all webhooks, the log, and every byte of the state directory: tables, queues, bucket.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { startTestRuntime } from '../support/runtime.ts';

const SECRETS = {
  tenant: 'tenant-secret-4d1f9a "quoted" ü',
  header: 'webhook-header-77c0e2b1',
  platform: 'plugin-platform-19ab3c5d',
  user: 'plugin-user-5e6f7a8b9c',
  model: 'sk-model-key-0123456789',
} as const;

const source = (service: string) => `
flow: 1
name: leaky
plugins: { own: { auth: user, fields: [token] }, shared: { auth: platform } }
secrets: [TOKEN]
models: { main: { use: openai/some } }
nodes:
  bearer:
    type: http
    with: { url: "${service}/ok", auth: { type: bearer, secret: TOKEN } }
  basic:
    type: http
    with: { url: "${service}/ok", auth: { type: basic, user: ada, secret: TOKEN } }
  anywhere:
    type: http
    onError: continue
    with: { url: "${service}/refused?key=\${{ $encodeUrlComponent($secrets.TOKEN) }}", method: POST, body: { key: "\${{ $secrets.TOKEN }}" } }
  nobody:
    type: http
    onError: continue
    retry: { max: 1, delay: 1s }
    with: { url: "http://127.0.0.1:1/?key=\${{ $encodeUrlComponent($secrets.TOKEN) }}" }
  users: { type: tool, onError: continue, with: { plugin: own, action: say } }
  shared: { type: tool, onError: continue, with: { plugin: shared, action: say } }
  model: { type: llm, onError: continue, with: { model: main, prompt: hello } }
  last:
    type: http
    needs: [bearer, basic, anywhere, nobody, users, shared, model]
    with: { url: "${service}/refused", auth: { type: header, header: x-key, secret: TOKEN } }
outputs: {}
`;

let service: HttpServer;
let folder: string;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;
const emitted: string[] = [];
const credentials: string[] = [];

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await api.call(method, path, body);
  emitted.push(`${method} ${path} ${JSON.stringify([...answer.headers])} ${JSON.stringify(answer.body)}`);
  return answer;
}

/** As it is, and in every coding that it could stand in. */
function listForms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
  return [...new Set([...forms, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')])];
}

async function readFiles(at: string): Promise<string[]> {
  const entries = await readdir(at, { withFileTypes: true, recursive: true });
  return entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
}

beforeAll(async () => {
  service = await startHttpServer((request, response) => {
    const quoted = JSON.stringify({ headers: request.headers, url: request.url });
    const { body = '' } = service.received.at(-1) ?? {};
    const status = request.url?.startsWith('/ok') ? 200 : request.url?.startsWith('/hook') ? 500 : 401;
    response.writeHead(status, { 'content-type': 'application/json', 'x-quoted': encodeURIComponent(quoted) });
    response.end(JSON.stringify({ error: { message: quoted }, quoted, body }));
  });
  folder = await mkdtemp(join(tmpdir(), 'errand-secrets-'));
  const models = { OPENAI_BASE_URL: `${service.origin}/v1`, OPENAI_API_KEY: SECRETS.model };
  runtime = await startTestRuntime({ stateDir: folder, models });
  api = await demoClient(runtime);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await service?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const plugin = (auth: 'user' | 'platform') => ({
  auth,
  fields: ['token'],
  actions: {
    say: { method: 'POST', url: `${service.origin}/ok`, headers: { 'x-token': '${{ $credentials.token }}' } },
  },
});

async function runEverything(): Promise<string> {
  await call('PUT', '/v1/secrets/TOKEN', { value: SECRETS.tenant });
  await call('PUT', '/v1/plugins/own', plugin('user'));
  await call('PUT', '/v1/plugins/shared', { ...plugin('platform'), credentials: { token: SECRETS.platform } });
  await publishFlow(api, 'leaky', source(service.origin));
  const asked = {
    mode: 'async',
    plugins: { own: { token: SECRETS.user } },
    webhooks: [{ url: `${service.origin}/hook`, headers: { authorization: `Bearer ${SECRETS.header}` } }],
  };
  const { body } = await call('POST', '/v1/flows/leaky/runs', asked);
  await expect
    .poll(async () => (await api.call('GET', `/v1/runs/${body.id}`)).body.webhooks[0].attempts, { timeout: 30_000 })
    .toBeGreaterThan(1);
  return body.id;
}

test('nothing secret is ever emitted, or kept in clear', async () => {
  for (const dialect of ['native', 'dify', 'gptbots', 'qianfan', 'huawei', 'tencent']) {
    const { body } = await api.call('POST', '/v1/keys', { dialect, flow: 'leaky' });
    credentials.push(
      ...Object.entries<string>(body.credentials).flatMap(([name, it]) =>
        /key|token|secretKey/i.test(name) ? [it] : [],
      ),
    );
  }
  credentials.push(api.key);
  const id = await runEverything();
  for (const part of ['', '/nodes', '/snapshot', '/deliveries']) await call('GET', `/v1/runs/${id}${part}`);
  emitted.push(
    await (
      await fetch(`${api.baseUrl}/v1/runs/${id}/events`, { headers: { authorization: `Bearer ${api.key}` } })
    ).text(),
  );
  for (const path of [
    '/v1/runs?q=x',
    '/v1/secrets',
    '/v1/plugins',
    '/v1/plugins/shared',
    '/v1/keys',
    '/v1/models',
    '/v1/me',
    '/v1/flows/leaky/draft',
  ]) {
    await call('GET', path);
  }
  await call('POST', '/v1/flows/leaky/runs', { plugins: { own: { token: SECRETS.user, wrong: 1 } } });
  await call('PUT', '/v1/secrets/TOKEN', { value: SECRETS.tenant, more: SECRETS.tenant });
  const used = service.received.map((it) => JSON.stringify(it)).join('\n');
  for (const secret of Object.values(SECRETS)) {
    expect(
      listForms(secret).some((form) => used.includes(form)),
      `${secret} was not even used`,
    ).toBe(true);
  }
  emitted.push(...service.received.filter(({ path }) => path.startsWith('/hook')).map(({ body }) => body));
  await runtime.stop();
  const places: [string, Buffer][] = emitted.map((text) => [text.slice(0, 80), Buffer.from(text)]);
  for (const file of await readFiles(folder)) places.push([file.replace(folder, ''), await readFile(file)]);
  expect(places.length).toBeGreaterThan(20);
  const found = [...Object.values(SECRETS), ...credentials].flatMap((secret) =>
    listForms(secret).flatMap((form) =>
      places.flatMap(([place, bytes]) => {
        const at = bytes.indexOf(form);
        return at < 0 ? [] : [`${form} in ${place}: ${bytes.subarray(Math.max(0, at - 120), at + 60)}`];
      }),
    ),
  );
  expect(found).toEqual([]);
});
