import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { startWebhookInbox, type WebhookInbox } from '../support/webhook-inbox.ts';

const GREET = `
flow: 1
name: greet
inputs:
  name: { type: string, default: world, maxLength: 80, searchable: true }
  loud: { type: boolean, default: false }
nodes:
  say: { type: set, with: { values: { text: "Hello, \${{ $inputs.name }}!" } } }
outputs:
  text: \${{ $nodes.say.text }}
`;
const DECIDE = `
flow: 1
name: decide
nodes:
  review: { type: callback, timeout: 1h, with: { message: Please decide } }
outputs:
  answer: \${{ $nodes.review }}
`;
const BROKEN = `
flow: 1
name: broken
nodes:
  stop: { type: fail, with: { message: Out of luck, code: unlucky } }
outputs: {}
`;
const DELAY = `
flow: 1
name: delay
nodes:
  wait: { type: wait, with: { for: 2s } }
outputs: { done: { value: true } }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;
let inbox: WebhookInbox;

beforeAll(async () => {
  runtime = await startTestRuntime();
  inbox = await startWebhookInbox();
  api = await demoClient(runtime);
  await publishFlow(api, 'greet', GREET);
  await publishFlow(api, 'decide', DECIDE);
  await publishFlow(api, 'broken', BROKEN);
  await publishFlow(api, 'delay', DELAY);
}, 120_000);
afterAll(async () => {
  await inbox?.[Symbol.asyncDispose]();
  await runtime?.stop();
});

async function settled(id: string): Promise<Body> {
  const ended = ['succeeded', 'failed', 'canceled'];
  let run: Body;
  await expect
    .poll(
      async () => {
        run = (await api.call('GET', `/v1/runs/${id}`)).body;
        return ended.includes(run.status);
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe(true);
  return run;
}

const start = (flow: string, body: object, headers?: Record<string, string>) =>
  api.call('POST', `/v1/flows/${flow}/runs`, body, headers);

test('shows its URLs, its health and its OpenAPI document without a key', async () => {
  const anyone = api.as('');
  const { body: welcome } = await anyone.call('GET', '/');
  expect(welcome).toMatchObject({ name: 'Errand', openapi: `${api.baseUrl}/openapi.json` });
  expect((await anyone.call('GET', '/health')).body).toMatchObject({ status: 'ok', version: welcome.version });
  const { body: openapi } = await anyone.call('GET', '/openapi.json');
  expect(openapi).toMatchObject({ openapi: '3.1.0', servers: [{ url: api.baseUrl }] });
});

test('says who the key belongs to and what it may do', async () => {
  expect((await api.call('GET', '/v1/me')).body).toMatchObject({
    tenant: { id: 'demo' },
    limits: { concurrency: 50, queued: 10_000, sync: 100 },
    entitlements: { async: true },
    key: { scopes: ['run', 'admin', 'operator'] },
  });
});

test('runs a flow while its caller waits', async () => {
  const { status, headers, body } = await start('greet', { inputs: { name: 'Ada' }, user: 'u1', metadata: { a: [1] } });
  expect(status).toBe(200);
  expect(headers.get('x-request-id')).toBeTruthy();
  expect(body).toMatchObject({
    flow: 'greet',
    version: '1.0.0',
    mode: 'sync',
    status: 'succeeded',
    inputs: { name: 'Ada', loud: false },
    outputs: { text: 'Hello, Ada!' },
    error: null,
    user: 'u1',
    metadata: { a: [1] },
  });
});

test('answers 200 for a run that failed, with the error in the body', async () => {
  const { status, body } = await start('broken', {});
  expect([status, body.status]).toEqual([200, 'failed']);
  expect(body.error).toMatchObject({ code: 'unlucky', node: 'stop' });
});

test('keeps a sync caller through a short wait', async () => {
  const { status, body } = await start('delay', {});
  expect([status, body.status, body.outputs]).toEqual([200, 'succeeded', { done: true }]);
});

test('finishes a run whose caller disconnected', async () => {
  const gone = new AbortController();
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' };
  const init = { method: 'POST', headers, signal: gone.signal };
  const call = fetch(`${api.baseUrl}/v1/flows/delay/runs`, { ...init, body: '{"user":"leaver"}' });
  const mine = async () => (await api.call('GET', '/v1/runs?user=leaver')).body.items[0];
  await expect.poll(async () => (await mine())?.status).toBe('running');
  gone.abort();
  await expect(call).rejects.toThrow();
  expect(await settled((await mine()).id)).toMatchObject({ status: 'succeeded' });
});

test('accepts an async run at once, and delivers its webhook', async () => {
  const hook = { url: `${inbox.url}/done`, headers: { 'x-team': 'news' } };
  const { status, headers, body } = await start('greet', { mode: 'async', inputs: { name: 'Bob' }, webhooks: [hook] });
  expect([status, body.status, body.outputs]).toEqual([202, 'pending', undefined]);
  expect(headers.get('location')).toBe(`${api.baseUrl}/v1/runs/${body.id}`);
  const run = await settled(body.id);
  expect(run).toMatchObject({ status: 'succeeded', outputs: { text: 'Hello, Bob!' } });

  const [message] = await inbox.received(1);
  expect(message?.headers).toMatchObject({ 'x-team': 'news', 'webhook-id': expect.any(String) });
  const delivered = JSON.parse(message?.body ?? '');
  expect(delivered).toMatchObject({ type: 'run.succeeded', data: { id: body.id, status: 'succeeded' } });

  await expect
    .poll(async () => (await api.call('GET', `/v1/runs/${body.id}/deliveries`)).body.items)
    .toMatchObject([{ n: 1, url: hook.url, status: 'delivered', attempts: [{ status: 200, manual: false }] }]);
  expect((await api.call('POST', `/v1/runs/${body.id}/deliveries/1/redeliver`)).status).toBe(202);
  const [, again] = await inbox.received(2);
  expect(again?.headers['webhook-id']).toBe(message?.headers['webhook-id']);
  expect((await api.call('POST', `/v1/runs/${body.id}/deliveries/2/redeliver`)).status).toBe(404);
});

test('shows the nodes of a run and the definition it was pinned to', async () => {
  const { body } = await start('greet', {});
  const { body: nodes } = await api.call('GET', `/v1/runs/${body.id}/nodes`);
  expect(nodes).toMatchObject({
    items: [{ path: 'say', status: 'succeeded', output: { text: 'Hello, world!' } }],
    next: null,
  });
  const { body: snapshot } = await api.call('GET', `/v1/runs/${body.id}/snapshot`);
  expect(snapshot).toMatchObject({ run: body.id, version: '1.0.0', plan: { name: 'greet', nodes: [{ id: 'say' }] } });
});

test('finds runs by filters, page after page', async () => {
  const ids: string[] = [];
  for (const name of ['Zoe', 'Zoe', 'Zoe'])
    ids.unshift((await start('greet', { inputs: { name }, user: 'zoe' })).body.id);
  const list = async (query: string) => (await api.call('GET', `/v1/runs?${query}`)).body;
  const readIds = ({ items }: Body) => items.map((item: Body) => item.id);
  await expect.poll(async () => readIds(await list('flow=greet&input.name=Zoe'))).toEqual(ids);
  await expect.poll(async () => readIds(await list('input.name=Zoe'))).toEqual(ids);
  expect(readIds(await list('flow=greet&input.name=Zoe&input.loud=true'))).toEqual([]);
  expect(readIds(await list('user=zoe&status=succeeded&mode=sync&env=published&dialect=native'))).toEqual(ids);
  expect(readIds(await list(`q=${ids[1]}`))).toEqual([ids[1]]);
  expect(readIds(await list('flow=greet&to=2020-01-01T00:00:00Z'))).toEqual([]);
  const first = await list('user=zoe&limit=2');
  const rest = await list(`user=zoe&limit=2&cursor=${encodeURIComponent(first.next)}`);
  expect([...readIds(first), ...readIds(rest)]).toEqual(ids);
  expect(first.items[0]).not.toHaveProperty('inputs');
  const all = readIds(await list('limit=100'));
  expect(new Set(all).size).toBe(all.length);
});

test('answers the same run for the same Idempotency-Key, also while the first still runs', async () => {
  const headers = { 'idempotency-key': 'once' };
  const [one, two] = await Promise.all([start('delay', {}, headers), start('delay', {}, headers)]);
  expect([one.status, two.status]).toEqual([200, 200]);
  expect(two.body).toEqual(one.body);
  expect(one.body.status).toBe('succeeded');
  const other = await start('delay', { user: 'somebody' }, headers);
  expect([other.status, other.body.error.code]).toEqual([409, 'idempotency-conflict']);
});

test('frees the Idempotency-Key of a failed run', async () => {
  const headers = { 'idempotency-key': 'until-it-works' };
  const first = await start('broken', {}, headers);
  const second = await start('broken', {}, headers);
  expect(second.body.id).not.toBe(first.body.id);
});

test('answers 202 when a sync run waits for a callback, which is signaled by the path of the node', async () => {
  const { status, body } = await start('decide', {});
  expect([status, body.status, body.waitingFor]).toEqual([202, 'waiting', 'callback']);
  const signal = () => api.call('POST', `/v1/runs/${body.id}/signals/review`, { ok: true });
  expect((await signal()).status).toBe(202);
  const again = await signal();
  expect(again.status).toBe(409);
  expect(await settled(body.id)).toMatchObject({ status: 'succeeded', error: null });
  const elsewhere = await api.call('POST', `/v1/runs/${body.id}/signals/nobody`, {});
  expect(elsewhere.status).toBe(409);
});

test('accepts a signal at the callback URL, without a key', async () => {
  const { body } = await start('decide', {});
  const { body: nodes } = await api.call('GET', `/v1/runs/${body.id}/nodes`);
  const { pathname } = new URL(nodes.items[0].wait.prompt.url);
  expect(nodes.items[0].wait.prompt.url).toBe(`${api.baseUrl}${pathname}`);
  const answer = await api.as('').call('POST', pathname, { approved: true });
  expect(answer).toMatchObject({ status: 202, body: { accepted: true } });
  expect(await settled(body.id)).toMatchObject({ status: 'succeeded', error: null });
  const otherMac = `${pathname.slice(0, -8)}${pathname.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA'}`;
  const forged = await api.as('').call('POST', otherMac, {});
  expect([forged.status, forged.body.error.code]).toEqual([404, 'not-found']);
});

test('cancels a waiting run, also when called twice', async () => {
  const { body } = await start('decide', { mode: 'async' });
  const first = await api.call('POST', `/v1/runs/${body.id}/cancel`);
  expect([200, 202]).toContain(first.status);
  expect(await settled(body.id)).toMatchObject({ status: 'canceled' });
  const second = await api.call('POST', `/v1/runs/${body.id}/cancel`, {});
  expect([second.status, second.body.status]).toEqual([200, 'canceled']);
});

test('runs a run again as a new one that is linked to it', async () => {
  const { body } = await start('greet', { inputs: { name: 'Eve' } });
  const { status, body: fresh } = await api.call('POST', `/v1/runs/${body.id}/rerun`, { from: 'start' });
  expect([status, fresh.rerunOf]).toEqual([202, { run: body.id, from: 'start' }]);
  expect(await settled(fresh.id)).toMatchObject({ outputs: { text: 'Hello, Eve!' } });
});

test('runs a run again from a node, by its name', async () => {
  const { body } = await start('greet', { inputs: { name: 'Eve' } });
  const refused = await api.call('POST', `/v1/runs/${body.id}/rerun`, { from: 'nobody' });
  expect([refused.status, refused.body.error.details]).toMatchObject([400, [{ field: 'from' }]]);
  const { items } = (await api.call('GET', `/v1/runs/${body.id}/nodes`)).body;
  const { status, body: fresh } = await api.call('POST', `/v1/runs/${body.id}/rerun`, { from: items[0].node });
  expect([status, fresh.rerunOf]).toEqual([202, { run: body.id, from: items[0].node }]);
  expect(await settled(fresh.id)).toMatchObject({ outputs: { text: 'Hello, Eve!' } });
});

test('refuses a signal that no unit can take, and says which form its path needs', async () => {
  const { body } = await start('decide', { mode: 'async' });
  const path = encodeURIComponent('nobody[2]');
  const refused = await api.call('POST', `/v1/runs/${body.id}/signals/${path}`, {});
  expect([refused.status, refused.body.error.code]).toEqual([409, 'signal-not-awaited']);
  expect((await api.call('POST', `/v1/runs/${body.id}/cancel`)).status).toBeLessThan(300);
});

test('starts many runs in one call, each accepted or rejected on its own', async () => {
  const runs = [{ flow: 'greet', inputs: { name: 'A' } }, { flow: 'nothing' }, { flow: 'greet', inputs: { name: 7 } }];
  const { status, body } = await api.call('POST', '/v1/runs:batch', { runs });
  expect(status).toBe(200);
  expect(body.items).toMatchObject([
    { status: 202, run: { status: 'pending' } },
    { status: 404, error: { code: 'flow-not-found' } },
    { status: 400, error: { code: 'invalid-inputs', details: [{ field: 'inputs.name' }] } },
  ]);
  expect(await settled(body.items[0].run.id)).toMatchObject({ outputs: { text: 'Hello, A!' } });
});

test('keeps drafts, publishes versions and shows both', async () => {
  const yaml = { 'content-type': 'application/yaml' };
  const source = GREET.replace('greet', 'letters');
  const draft = await api.call('PUT', '/v1/flows/letters/draft', source, yaml);
  expect(draft).toMatchObject({
    status: 200,
    body: { problems: [], async: { supported: true }, sync: { supported: true } },
  });
  expect((await api.call('GET', '/v1/flows/letters/draft')).body).toMatchObject({ source, etag: draft.body.etag });
  const debug = await start('letters', { draft: true });
  expect(debug.body).toMatchObject({ env: 'debug', version: 'draft', status: 'succeeded' });

  expect(await api.call('POST', '/v1/flows/letters/publish')).toMatchObject({
    status: 201,
    body: { version: '1.0.0' },
  });
  expect(await api.call('POST', '/v1/flows/letters/publish', {})).toMatchObject({
    status: 200,
    body: { version: '1.0.0' },
  });
  await api.call('PUT', '/v1/flows/letters/draft', source.replace('Hello', 'Dear'), yaml);
  const next = await api.call('POST', '/v1/flows/letters/publish');
  expect(next.body.version).toBe('1.0.1');
  const { body: versions } = await api.call('GET', '/v1/flows/letters/versions');
  expect(versions.items.map(({ version }: Body) => version)).toEqual(['1.0.1', '1.0.0']);
  expect((await api.call('GET', '/v1/flows/letters/versions/1.0.0')).body).toMatchObject({ source });
  expect((await start('letters', { version: '1.0.0' })).body.outputs).toEqual({ text: 'Hello, world!' });
  expect((await start('letters', {})).body.outputs).toEqual({ text: 'Dear, world!' });

  const stale = await api.call('PUT', '/v1/flows/letters/draft', source, { ...yaml, 'if-match': '"outdated"' });
  expect(stale.status).toBe(400);
});

test('shows the inputs of a flow', async () => {
  const { body } = await api.call('GET', '/v1/flows/greet/parameters');
  expect(body).toMatchObject({
    name: 'greet',
    version: '1.0.0',
    inputs: [
      { name: 'name', type: 'string', default: 'world', maxLength: 80 },
      { name: 'loud', type: 'boolean' },
    ],
    schema: { properties: { name: { type: 'string', maxLength: 80 } }, additionalProperties: false },
    outputs: [{ name: 'text' }],
    files: { maxUploadBytes: 4_194_304 },
  });
});

test('lists flows with their supported modes, and disables and enables one', async () => {
  const { body } = await api.call('GET', '/v1/flows?limit=100');
  const decide = body.items.find(({ name }: Body) => name === 'decide');
  expect(decide).toMatchObject({
    enabled: true,
    version: '1.0.0',
    async: { supported: true },
    sync: { supported: false },
  });

  await publishFlow(api, 'switched', GREET.replace('greet', 'switched'));
  expect((await api.call('PATCH', '/v1/flows/switched', { enabled: false })).body.enabled).toBe(false);
  const refused = await start('switched', {});
  expect([refused.status, refused.body.error.code]).toEqual([409, 'flow-disabled']);
  await api.call('PATCH', '/v1/flows/switched', { enabled: true });
  expect((await start('switched', {})).status).toBe(200);
  expect((await api.call('DELETE', '/v1/flows/switched')).status).toBe(204);
  expect((await api.call('GET', '/v1/flows/switched')).status).toBe(404);
});

test('issues a key bound to a flow, which can access only that flow and its runs, until it is revoked', async () => {
  const { status, body } = await api.call('POST', '/v1/keys', { flow: 'greet', name: 'newsroom' });
  expect([status, body.flow, body.scopes]).toEqual([201, 'greet', ['run']]);
  const bound = api.as(body.credentials.key);
  expect((await bound.call('POST', '/v1/flows/greet/runs', {})).status).toBe(200);
  expect((await bound.call('POST', '/v1/flows/delay/runs', {})).status).toBe(403);
  const other = await start('delay', {});
  expect((await bound.call('GET', `/v1/runs/${other.body.id}`)).status).toBe(404);
  const { body: seen } = await bound.call('GET', '/v1/runs');
  expect(new Set(seen.items.map(({ flow }: Body) => flow))).toEqual(new Set(['greet']));
  expect((await bound.call('GET', '/v1/flows')).body.items.map(({ name }: Body) => name)).toEqual(['greet']);

  const { body: keys } = await api.call('GET', '/v1/keys');
  expect(JSON.stringify(keys)).not.toContain(body.credentials.key);
  expect((await api.call('DELETE', `/v1/keys/${body.id}`)).status).toBe(204);
  expect((await api.call('DELETE', `/v1/keys/${body.id}`)).status).toBe(404);
});

test('keeps secrets that are never read back', async () => {
  expect((await api.call('PUT', '/v1/secrets/TOKEN', { value: 'hush-hush' })).status).toBe(204);
  const { body } = await api.call('GET', '/v1/secrets');
  expect(body.items).toMatchObject([{ name: 'TOKEN' }]);
  expect(JSON.stringify(body)).not.toContain('hush');
  expect((await api.call('DELETE', '/v1/secrets/TOKEN')).status).toBe(204);
  expect((await api.call('DELETE', '/v1/secrets/TOKEN')).status).toBe(404);
});

test('shows the webhook secret and rotates it', async () => {
  const { body: before } = await api.call('GET', '/v1/webhook-secret');
  const { body: after } = await api.call('POST', '/v1/webhook-secret:rotate');
  expect(before.secret).toMatch(/^whsec_/);
  expect(after.secret).not.toBe(before.secret);
  expect((await api.call('GET', '/v1/webhook-secret')).body).toEqual(after);
});

test('serves the JSON Schema of flows, the one that is published with the format', async () => {
  const answer = await fetch(`${api.baseUrl}/schemas/flow-1.json`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/schema+json']);
  const published = JSON.parse(await readFile('flows/schemas/flow-1.json', 'utf8'));
  expect(await answer.json()).toEqual(published);
});

test('lets an operator create tenants and change their limits', async () => {
  const made = await api.call('POST', '/v1/tenants', { id: 'newsroom', limits: { concurrency: 3 } });
  expect(made).toMatchObject({ status: 201, body: { id: 'newsroom', limits: { concurrency: 3, sync: 100 } } });
  const changed = await api.call('PATCH', '/v1/tenants/newsroom', { entitlements: { async: false } });
  expect(changed.body).toMatchObject({ entitlements: { async: false }, limits: { concurrency: 3 } });
  expect((await api.call('GET', '/v1/tenants/newsroom')).body).toEqual(changed.body);
  const { body } = await api.call('GET', '/v1/tenants');
  expect(body.items.map(({ id }: Body) => id)).toEqual(expect.arrayContaining(['demo', 'newsroom']));
});
