// Credentials that somebody gives for one run, or an administrator for one plugin, against everybody else who runs it again,
// changes the flow, or sends the plugin to another address.

import { beforeEach, describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../lambdas/core/ports/http.ts';
import { workRun } from '../../lambdas/core/work.ts';
import type { ApiAnswer } from '../support/api-event.ts';
import { type Holder, makeWholeApi, type WholeApi } from '../support/whole-api.ts';

const TOKEN = 'only-the-caller-knows';
const GIVEN = { crm: { token: TOKEN } };
/** Addresses that were called, with the credential that they were sent. */
let sent: string[];
let api: WholeApi;
let admin: Holder;
let caller: Holder;
let other: Holder;

const buildFlow = (nodes: object = {}, auth = 'user') => `flow: 1
name: mine
inputs: { what: { type: string, default: x } }
plugins: { crm: { auth: ${auth}, fields: [token] } }
nodes: ${JSON.stringify({ find: { type: 'tool', with: { plugin: 'crm', action: 'find' } }, ...nodes })}
outputs: {}
`;
const buildPlugin = (url: string, auth = 'user') => ({
  auth,
  fields: ['token'],
  actions: { find: { url, headers: { authorization: '${{ $credentials.token }}' } } },
});
const FAILING = { stop: { type: 'fail', needs: 'find', with: { message: 'No' } } };
const HOME = 'https://crm.example.com/find';
const THIEF = 'https://thief.example.com/find';

beforeEach(async () => {
  sent = [];
  api = await makeWholeApi({
    http: {
      check: () => undefined,
      send: async ({ url, headers = {} }: HttpRequest) => {
        sent.push(`${new URL(url).host} ${headers['authorization']}`);
        const json = { 'content-type': 'application/json' };
        return { status: 200, headers: json, body: Buffer.from('{}'), truncated: false, durationMs: 1 };
      },
    },
  });
  admin = await api.issue('acme', { scopes: ['run', 'admin', 'operator'] });
  caller = await api.issue('acme');
  other = await api.issue('acme');
  expect((await putPlugin(HOME)).status).toBe(200);
  await api.publishAs(admin, buildFlow());
});

const putPlugin = (url: string, more: object = {}, auth = 'user') =>
  api.call({ method: 'PUT', path: '/v1/plugins/crm', body: { ...buildPlugin(url, auth), ...more } }, admin);
async function start(holder: Holder, body: object = {}): Promise<string> {
  const { status, text } = await api.call({ path: '/v1/flows/mine/runs', body: { plugins: GIVEN, ...body } }, holder);
  expect([status, JSON.parse(text).error?.code ?? null]).toEqual([200, null]);
  return JSON.parse(text).id;
}
const rerun = (holder: Holder, id: string, body: object = {}) =>
  api.call({ path: `/v1/runs/${id}/rerun`, body }, holder);
const problem = ({ status, text }: ApiAnswer) => ({ status, ...JSON.parse(text).error });

/** Runs what a rerun has queued, as a worker would. */
async function work({ status, text }: ApiAnswer) {
  expect([status, text]).toEqual([202, expect.any(String)]);
  const { id } = JSON.parse(text);
  await workRun(api.ports, { runId: id, budgetUntil: api.ports.clock.now() + 90_000 });
  return JSON.parse((await api.call({ path: `/v1/runs/${id}` }, admin)).text);
}

function expectRefused(answer: ApiAnswer): void {
  expect(problem(answer)).toMatchObject({ status: 400, code: 'invalid-request', details: [{ field: 'plugins.crm' }] });
  expect(problem(answer).message).toContain("plugin 'crm'");
}

describe('the credentials of a run', () => {
  test('are gone when it has ended: nobody runs it again with them, not even the same caller', async () => {
    const id = await start(caller);
    expect(sent).toEqual([`crm.example.com ${TOKEN}`]);
    expect((await api.ports.runs.load(id)).credentials).toBeUndefined();
    for (const holder of [caller, other, admin]) expectRefused(await rerun(holder, id));
    expect(sent).toHaveLength(1);
  });

  test.each(['succeeded', 'failed', 'canceled'])('are gone whether it %s', async (status) => {
    if (status === 'failed') await api.publishAs(admin, buildFlow(FAILING));
    const body = { plugins: GIVEN, mode: status === 'canceled' ? 'async' : 'sync' };
    const { id } = JSON.parse((await api.call({ path: '/v1/flows/mine/runs', body }, caller)).text);
    if (status === 'canceled') {
      expect((await api.ports.runs.load(id)).credentials).toEqual(GIVEN);
      await api.call({ path: `/v1/runs/${id}/cancel`, body: {} }, caller);
    }
    expect(await api.ports.runs.get(id)).toMatchObject({ status });
    expect((await api.ports.runs.load(id)).credentials).toBeUndefined();
  });

  test('given again, are those that the rerun uses', async () => {
    const id = await start(caller);
    const again = await work(await rerun(other, id, { plugins: { crm: { token: 'my-own' } } }));
    expect(again.status).toBe('succeeded');
    expect(sent.at(-1)).toBe('crm.example.com my-own');
    expect((await api.ports.runs.load(again.id)).credentials).toBeUndefined();
  });

  test('given again in part or for another plugin are refused', async () => {
    const id = await start(caller);
    expectRefused(await rerun(caller, id, { plugins: {} }));
    for (const plugins of [{ crm: {} }, { crm: { token: TOKEN }, crn: { token: TOKEN } }, 'x']) {
      expect(problem(await rerun(caller, id, { plugins }))).toMatchObject({ status: 400, code: 'invalid-request' });
    }
  });

  test('are asked for again, by name, also where only a node says whose credentials it uses', async () => {
    const own = { plugin: 'crm', action: 'find', auth: 'user' };
    await api.publishAs(admin, buildFlow({ find: { type: 'tool', with: own } }, 'platform'));
    expectRefused(await rerun(caller, await start(caller)));
  });
});

describe('the credentials of a run that keeps them', () => {
  const keepCredentials = true;

  test('are used again for the same key and version, again and again', async () => {
    const first = await work(await rerun(caller, await start(caller, { keepCredentials })));
    expect(first.status).toBe('succeeded');
    const second = await work(await rerun(caller, first.id, { version: 'latest' }));
    expect(second.status).toBe('succeeded');
    expect(sent).toEqual([1, 2, 3].map(() => `crm.example.com ${TOKEN}`));
  });

  test('are not for another key, whatever its scopes', async () => {
    const id = await start(caller, { keepCredentials });
    for (const holder of [other, admin]) expectRefused(await rerun(holder, id));
    expect(sent).toHaveLength(1);
  });

  test('are not for a version that was published since, nor for a draft that was changed', async () => {
    const changed = buildFlow({ more: { type: 'tool', with: { plugin: 'crm', action: 'find' } } });
    const id = await start(caller, { keepCredentials });
    const draft = await start(caller, { keepCredentials, draft: true });
    await api.publishAs(admin, changed);
    expectRefused(await rerun(caller, id, { version: 'latest' }));
    expectRefused(await rerun(caller, draft));
    expect(sent).toHaveLength(2);
    expect((await work(await rerun(caller, id))).status).toBe('succeeded');
  });

  test('are not for a plugin that has been sent to another host since, nor in a run that was under way then', async () => {
    const id = await start(caller, { keepCredentials });
    const body = { plugins: GIVEN, mode: 'async' };
    const underWay = await api.call({ path: '/v1/flows/mine/runs', body }, caller);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await putPlugin(THIEF)).status).toBe(200);
    expectRefused(await rerun(caller, id));
    const ended = await work(underWay);
    expect(ended).toMatchObject({ status: 'failed', error: { node: 'find', code: 'forbidden' } });
    expect(ended.error.message).toContain("plugin 'crm'");
    expect(sent).toEqual([`crm.example.com ${TOKEN}`]);
  });

  test('are not for a plugin that was removed and made again elsewhere', async () => {
    const id = await start(caller, { keepCredentials });
    await api.call({ method: 'DELETE', path: '/v1/plugins/crm' }, admin);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await putPlugin(THIEF);
    expectRefused(await rerun(caller, id));
  });

  test('stay theirs where the plugin changes without moving', async () => {
    const id = await start(caller, { keepCredentials });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await putPlugin('https://crm.example.com/search');
    expect((await work(await rerun(caller, id))).status).toBe('succeeded');
  });
});

describe('a run that another has started', () => {
  test('does not send them to where the plugin has been moved in between', async () => {
    const nodes = {
      gap: { type: 'wait', with: { for: '1h' } },
      sub: { type: 'flow', needs: 'gap', with: { name: 'mine', mode: 'detach' } },
    };
    await api.publishAs(
      admin,
      buildFlow(nodes)
        .replace('name: mine', 'name: above')
        .replace(/"find":\{.*?\}\},/, ''),
    );
    const body = { plugins: GIVEN, mode: 'async' };
    const { id } = JSON.parse((await api.call({ path: '/v1/flows/above/runs', body }, caller)).text);
    const { startChild } = await import('../../lambdas/core/api/start-child.ts');
    const parent = await api.ports.runs.get(id);
    if (!parent) throw new Error('There is no run');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await putPlugin(THIEF);
    const child = { flow: 'mine', inputs: {}, path: 'sub', depth: 1, awaited: true, attempt: 1, credentials: GIVEN };
    await expect(startChild(api.ports, parent, child)).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('the credentials of a plugin', () => {
  const credentials = { token: TOKEN };
  beforeEach(async () => {
    await putPlugin(HOME, { credentials }, 'platform');
    await api.publishAs(admin, buildFlow({}, 'platform').replace(', fields: [token]', ''));
  });

  test.each([
    THIEF,
    'http://crm.example.com/find',
    'https://crm.example.com:8443/find',
    'https://crm.example.com@thief.example.com/find',
    'https://crm.example.com.thief.example.com/find',
    'https://${{ $args.host }}/find',
    'https://crm.example.com${{ $args.path }}',
    '${{ $args.url }}',
    'https://thief.example.com\\@crm.example.com/find',
    'https:\\\\thief.example.com/find',
  ])('stay with their host: %s needs them again', async (url) => {
    const refused = await putPlugin(url, {}, 'platform');
    expect(problem(refused)).toMatchObject({
      status: 400,
      code: 'invalid-request',
      details: [{ field: 'credentials' }],
    });
    const plugin = JSON.parse((await api.call({ path: '/v1/plugins/crm' }, admin)).text);
    expect(plugin).toMatchObject({ actions: { find: { url: HOME } }, configured: true });
    expect((await putPlugin(url, { credentials: { token: 'new' } }, 'platform')).status).toBe(200);
  });

  test('are not taken along by an action that is added beside the others', async () => {
    const plugin = buildPlugin(HOME, 'platform');
    const actions = { ...plugin.actions, steal: { url: THIEF, body: '${{ $credentials.token }}' } };
    const refused = await api.call({ method: 'PUT', path: '/v1/plugins/crm', body: { ...plugin, actions } }, admin);
    expect(problem(refused)).toMatchObject({ status: 400, details: [{ field: 'credentials' }] });
    expect(problem(refused).message).toContain("action 'steal'");
  });

  test('are not taken along by way of a plugin without any', async () => {
    expect((await putPlugin(THIEF, {}, 'user')).status).toBe(200);
    expect(JSON.parse((await putPlugin(HOME, {}, 'platform')).text)).toMatchObject({ configured: false });
  });

  test.each(['https://crm.example.com/search', 'HTTPS://CRM.example.com/x/${{ $args.id }}?q=1'])(
    'stay where the host does: %s',
    async (url) => {
      expect(JSON.parse((await putPlugin(url, {}, 'platform')).text)).toMatchObject({ configured: true });
      await api.call({ path: '/v1/flows/mine/runs', body: {} }, caller);
      expect(sent).toEqual([`crm.example.com ${TOKEN}`]);
    },
  );
});

test('a run knows which key has started it, and lists do not say', async () => {
  const id = await start(caller);
  expect((await api.ports.runs.read(id))?.startedBy).toBe(caller.id);
  expect((await api.ports.runs.load(id)).startedBy).toBe(caller.id);
  const listed = await api.ports.runs.list({ tenant: 'acme', limit: 10 });
  expect(JSON.stringify(listed)).not.toContain(caller.id);
});
