import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { startTestRuntime } from '../support/runtime.ts';

const TOKEN = 'tok-3f2a-secret';
const TICKETS = `
flow: 1
name: tickets
inputs: { what: { type: string, required: true } }
plugins: { jira: { auth: user, fields: [token] } }
nodes:
  create:
    type: tool
    with: { plugin: jira, action: create_issue, args: { summary: "\${{ $inputs.what }}" } }
outputs: { key: "\${{ $nodes.create.key }}" }
`;

let service: HttpServer;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

const jira = (auth: 'platform' | 'user') => ({
  title: 'Jira',
  auth,
  fields: ['token'],
  actions: {
    create_issue: {
      method: 'POST',
      url: `${service.origin}/issues`,
      headers: { authorization: 'Bearer ${{ $credentials.token }}' },
      body: { summary: '${{ $args.summary }}', run: '${{ $run.flow }}' },
      input: { summary: { type: 'string', required: true, maxLength: 20 } },
      output: { key: '${{ $result.body.key }}' },
    },
  },
});

beforeAll(async () => {
  service = await startHttpServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
    response.writeHead(isKnown ? 201 : 401, { 'content-type': 'application/json' });
    response.end(isKnown ? '{"key":"OPS-7"}' : JSON.stringify({ refused: request.headers.authorization }));
  });
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await service?.[Symbol.asyncDispose]();
});

describe('a tool node', () => {
  test("calls an action with the user's credentials, which come with the run", async () => {
    await api.call('PUT', '/v1/plugins/jira', jira('user'));
    await publishFlow(api, 'tickets', TICKETS);
    const asked = { inputs: { what: 'Printer on fire' }, plugins: { jira: { token: TOKEN } } };
    const { body: run } = await api.call('POST', '/v1/flows/tickets/runs', asked);
    expect(run).toMatchObject({ status: 'succeeded', outputs: { key: 'OPS-7' } });
    expect(JSON.parse(service.received.at(-1)?.body ?? '')).toEqual({ summary: 'Printer on fire', run: 'tickets' });
    expect(service.received.at(-1)?.headers['idempotency-key']).toBe(`${run.id}/create`);
    for (const part of ['', '/nodes', '/snapshot']) {
      const { body } = await api.call('GET', `/v1/runs/${run.id}${part}`);
      expect(JSON.stringify(body)).not.toContain(TOKEN);
    }
  });

  test('uses them again when the run is run again, where it keeps them or they are given again', async () => {
    const asked = { inputs: { what: 'Again' }, plugins: { jira: { token: TOKEN } } };
    const { body: dropped } = await api.call('POST', '/v1/flows/tickets/runs', asked);
    const refused = await api.call('POST', `/v1/runs/${dropped.id}/rerun`, {});
    expect([refused.status, refused.body.error.details[0].field]).toEqual([400, 'plugins.jira']);
    const accepted = await api.call('POST', `/v1/runs/${dropped.id}/rerun`, { plugins: asked.plugins });
    expect(accepted.status).toBe(202);
    const { body: first } = await api.call('POST', '/v1/flows/tickets/runs', { ...asked, keepCredentials: true });
    const { body: again } = await api.call('POST', `/v1/runs/${first.id}/rerun`, {});
    await expect
      .poll(async () => (await api.call('GET', `/v1/runs/${again.id}`)).body.status, { timeout: 20_000 })
      .toBe('succeeded');
  });

  test('fails without showing the credential that the service refused and quoted', async () => {
    const asked = { inputs: { what: 'x' }, plugins: { jira: { token: 'wrong-secret' } } };
    const { body: run } = await api.call('POST', '/v1/flows/tickets/runs', asked);
    expect(run).toMatchObject({ status: 'failed', error: { code: 'http-401', node: 'create' } });
    expect(JSON.stringify(run)).not.toContain('wrong-secret');
  });

  test('fails where the arguments do not fit the action, naming each', async () => {
    const asked = { inputs: { what: 'y'.repeat(21) }, plugins: { jira: { token: TOKEN } } };
    const { body: run } = await api.call('POST', '/v1/flows/tickets/runs', asked);
    expect(run.error).toMatchObject({ message: 'args.summary must have at most 20 characters', node: 'create' });
  });

  test("calls with the tenant's credentials where the plugin holds them", async () => {
    const put = await api.call('PUT', '/v1/plugins/tracker', { ...jira('platform'), credentials: { token: TOKEN } });
    expect(put.body).toMatchObject({ id: 'tracker', configured: true });
    expect(JSON.stringify(put.body)).not.toContain(TOKEN);
    const own = TICKETS.replace('name: tickets', 'name: ours')
      .replace('{ jira: { auth: user, fields: [token] } }', '{ tracker: { auth: platform } }')
      .replace('plugin: jira', 'plugin: tracker');
    await publishFlow(api, 'ours', own);
    const { body: run } = await api.call('POST', '/v1/flows/ours/runs', { inputs: { what: 'Ours' } });
    expect(run).toMatchObject({ status: 'succeeded', outputs: { key: 'OPS-7' } });
    const kept = await api.call('PUT', '/v1/plugins/tracker', jira('platform'));
    expect(kept.body.configured).toBe(true);
    const after = await api.call('POST', '/v1/flows/ours/runs', { inputs: { what: 'Kept' } });
    expect(after.body.status).toBe('succeeded');
  });
});

test("takes the credentials that Huawei's clients send as plugin_configs", async () => {
  const { body: key } = await api.call('POST', '/v1/keys', { dialect: 'huawei', flow: 'tickets' });
  const { token, projectId } = key.credentials;
  const answer = await fetch(`${api.baseUrl}/v1/${projectId}/workflows/tickets/conversations/c1`, {
    method: 'POST',
    headers: { 'x-auth-token': token, 'content-type': 'application/json', stream: 'false' },
    body: JSON.stringify({
      inputs: { what: 'From Huawei' },
      plugin_configs: [{ plugin_id: 'jira', config: { token: TOKEN } }],
    }),
  });
  expect([answer.status, await answer.json()]).toMatchObject([200, { outputs: { key: 'OPS-7' } }]);
});

describe('a request to run', () => {
  test.each([
    [{}, 'plugins.jira.token'],
    [{ jira: {} }, 'plugins.jira.token'],
    [{ jira: { token: 7 } }, 'plugins.jira.token'],
    [{ jira: { token: 'x' }, jria: { token: 'x' } }, 'plugins.jria'],
    ['x', 'plugins'],
  ])('with plugins %j is refused, naming the field', async (plugins, field) => {
    const { status, body } = await api.call('POST', '/v1/flows/tickets/runs', { inputs: { what: 'x' }, plugins });
    expect([status, body.error.code, body.error.details[0].field]).toEqual([400, 'invalid-request', field]);
  });
});

describe('a plugin', () => {
  const action = { url: 'https://example.com' };
  test.each([
    [{ auth: 'none' }, 'actions'],
    [{ auth: 'none', actions: {} }, 'actions'],
    [{ auth: 'none', fields: ['token'], actions: { a: action } }, 'fields'],
    [{ auth: 'user', actions: { a: action }, credentials: { token: 'x' } }, 'credentials'],
    [{ auth: 'platform', fields: ['token'], actions: { a: action }, credentials: { tken: 'x' } }, 'credentials.tken'],
    [{ auth: 'none', actions: { a: { ...action, body: '${{ $inputs.a }}' } } }, 'actions.a.body'],
    [{ auth: 'none', actions: { a: { ...action, query: { q: '${{ 1 + }}' } } } }, 'actions.a.query.q'],
    [{ auth: 'none', actions: { a: { ...action, output: '${{ $credentials.t }}' } } }, 'actions.a.output'],
    [{ auth: 'none', actions: { a: { ...action, input: { n: { type: 'enum' } } } } }, 'actions.a.input.n'],
    [{ auth: 'none', actions: { a: { ...action, methd: 'GET' } } }, 'actions.a.methd'],
  ])('%j is refused, naming the field', async (definition, field) => {
    const { status, body } = await api.call('PUT', '/v1/plugins/bad', definition);
    expect([status, body.error.details?.[0].field]).toEqual([400, field]);
    expect((await api.call('GET', '/v1/plugins/bad')).status).toBe(404);
  });

  test('is listed, read and removed', async () => {
    await api.call('PUT', '/v1/plugins/ping', { auth: 'none', actions: { ping: action } });
    const { body } = await api.call('GET', '/v1/plugins');
    expect(body.items.map(({ id }: { id: string }) => id)).toContain('ping');
    expect((await api.call('DELETE', '/v1/plugins/ping')).status).toBe(204);
    expect((await api.call('DELETE', '/v1/plugins/ping')).status).toBe(404);
  });

  test('that a flow names without declaring it is a problem of the draft', async () => {
    const source = TICKETS.replace(
      'plugins: { jira: { auth: user, fields: [token] } }',
      'plugins: { jiro: { auth: none } }',
    );
    const { body } = await api.call('PUT', '/v1/flows/tickets/draft', source, { 'content-type': 'application/yaml' });
    expect(body.problems).toMatchObject([{ line: 9, message: "unknown plugin 'jira' (did you mean 'jiro'?)" }]);
  });
});
