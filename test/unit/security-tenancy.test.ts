// Every route of every dialect, called with ids of somebody else: by another tenant, and by a key of the same tenant
// that is bound to another flow. A route that is added is walked too; one with a parameter of a new kind fails here
// until the test knows whose it is.

import { beforeAll, describe, expect, test } from 'vitest';
import { keepFile } from '../../lambdas/core/catalog/files.ts';
import type { Route } from '../../lambdas/core/dialects/dialect.ts';
import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import type { ApiCall } from '../support/api-event.ts';
import { type Holder, makeWholeApi, type WholeApi } from '../support/whole-api.ts';

const MARK = 'only-the-owner-knows';

const FLOW = `flow: 1
name: vault
title: Title ${MARK}
inputs: { text: { type: string, searchable: true, default: "${MARK}" } }
nodes:
  say: { type: set, with: { values: { said: "${MARK}" } } }
outputs: { said: "\${{ $nodes.say.said }}" }
`;

const ASKING = `flow: 1
name: asking
nodes:
  ask: { type: approval, timeout: 1h, with: { message: "${MARK}" } }
outputs: { said: "\${{ $nodes.ask.action }}" }
`;

const OTHER = `flow: 1
name: elsewhere
nodes:
  say: { type: set, with: { values: { said: hello } } }
outputs: {}
`;

interface Owned {
  ended: string;
  waiting: string;
  key: string;
  token: string;
  file: string;
}

let api: WholeApi;
let owner: Holder;
let owned: Owned;
/** Who walks; of some calls the body says who that is. */
let caller: Holder;
/** What the owner has, apart from when keys were used. */
let before: unknown;

async function makeOwned(): Promise<Owned> {
  for (const source of [FLOW, ASKING, OTHER]) await api.publishAs(owner, source);
  const webhooks = [{ url: 'https://hooks.example.com/run', headers: { 'x-token': MARK } }];
  const ended = await api.call({ path: '/v1/flows/vault/runs', body: { webhooks, metadata: { MARK } } }, owner);
  const waiting = await api.call({ path: '/v1/flows/asking/runs', body: { webhooks } }, owner);
  await api.call({ method: 'PUT', path: '/v1/secrets/TOKEN', body: { value: MARK } }, owner);
  const action = { method: 'GET', url: `https://crm.example.com/${MARK}`, input: {}, output: {} };
  await api.call({ method: 'PUT', path: '/v1/plugins/crm', body: { auth: 'none', actions: { find: action } } }, owner);
  const file = await keepFile(api.ports, 'acme', { name: MARK, type: 'text/plain', bytes: Buffer.from(MARK) });
  const bound = await api.issue('acme', { name: MARK, flow: 'vault' });
  const [done, open] = [ended, waiting].map(({ text }) => String(JSON.parse(text).id)) as [string, string];
  const token = api.ports.keyring.signalToken(open, 'ask');
  return { ended: done, waiting: open, key: bound.id, token, file: file.id };
}

/** Without what runs of `elsewhere` leave behind, which anybody may make whose key is bound to it. */
async function everythingOwned(): Promise<unknown> {
  const { flows, runs, tenants } = api.ports;
  const keys = await tenants.keys('acme');
  const of = async (name: string) => [
    await flows.get('acme', name),
    await flows.draft('acme', name),
    await flows.versions('acme', name),
  ];
  const listed = await runs.list({ tenant: 'acme', limit: 100 });
  return {
    runs: await Promise.all(
      listed.runs
        .filter(({ flow }) => flow !== 'elsewhere')
        .map(async ({ id }) => [await runs.read(id), await runs.load(id)]),
    ),
    flows: await Promise.all(['vault', 'asking', 'elsewhere'].map(of)),
    keys: keys.filter(({ name }) => name !== 'intruder').map(({ lastUsedAt, ...key }) => key),
    secrets: await tenants.secrets('acme'),
    webhookSecrets: await tenants.webhookSecrets('acme'),
    tenant: await tenants.tenant('acme'),
  };
}

beforeAll(async () => {
  api = await makeWholeApi();
  owner = await api.issue('acme', { scopes: ['run', 'admin', 'operator'] });
  owned = await makeOwned();
  before = await everythingOwned();
});

/** Values of a route's parameters that name what the owner has; every combination is tried. */
function collectValues(name: string, { path }: Route): string[] {
  const runs = [owned.ended, owned.waiting];
  const known: Record<string, string[]> = {
    name: path.startsWith('/v1/secrets') ? ['TOKEN'] : ['vault', 'asking'],
    version: ['1.0.0'],
    id:
      { runs, tenants: ['acme'], keys: [owned.key], plugins: ['crm'], files: [owned.file] }[path.split('/')[2] ?? ''] ??
      [],
    n: ['1'],
    path: ['ask'],
    token: ['guessed'],
    task_id: runs,
    workflow_run_id: runs,
    workflow_id: ['vault'],
    component: ['vault'],
    conversation_id: ['c1'],
    project_id: ['p1'],
    file_id: [owned.file],
    form_token: [owned.token],
    end_user_id: ['somebody'],
  };
  const found = known[name];
  if (!found?.[0]) throw new Error(`Whose is '{${name}}' of ${path}? Tell this test an id of the owner`);
  return found;
}

function collectPaths(route: Route): string[] {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return names.reduce<string[]>(
    (paths, name) =>
      paths.flatMap((path) => collectValues(name, route).map((value) => path.replace(`{${name}}`, value))),
    [route.path],
  );
}

const TENCENT = (AppBizId: string) => {
  const version = { 'x-tc-version': '2023-11-30' };
  const act = (action: string, body: object) => ({
    body: { AppBizId, ...body },
    headers: { ...version, 'x-tc-action': action },
  });
  return [owned.ended, owned.waiting].flatMap((WorkflowRunId) => [
    act('CreateWorkflowRun', { CustomVariables: [] }),
    act('DescribeWorkflowRun', { WorkflowRunId }),
    act('ListWorkflowRuns', { PageSize: 10 }),
    act('StopWorkflowRun', { WorkflowRunId }),
    act('DescribeNodeRun', { NodeRunId: `${WorkflowRunId}/say` }),
  ]);
};

/** Bodies that name what the owner has, where the examples of the documentation do not. */
const BODIES: Record<string, () => Pick<ApiCall, 'body' | 'headers'>[]> = {
  startRun: () => [{ body: {} }, { body: { mode: 'async' } }, { body: { mode: 'stream' } }],
  startRuns: () => [{ body: { runs: [{ flow: 'vault' }, { flow: 'asking', draft: true }] } }],
  saveDraft: () => [{ body: 'flow: 1', headers: { 'content-type': 'application/yaml' } }],
  signalNode: () => [{ body: { action: 'approve' } }],
  issueKey: () => [{ body: { tenant: 'acme' } }, { body: { flow: 'vault' } }, { body: {} }],
  difyRun: () => [{ body: { inputs: {}, user: 'u' } }],
  difyRunVersion: () => [{ body: { inputs: {}, user: 'u' } }],
  difyStop: () => [{ body: { user: 'u' } }],
  difyStopTask: () => [{ body: { user: 'u' } }],
  difySubmitForm: () => [{ body: { inputs: {}, action: 'approve' } }],
  gptbotsInvoke: () => [{ body: { input: {} } }, { body: { input: {}, isAsync: true } }],
  gptbotsQueryResult: () => [{ body: { workflowRunId: owned.ended } }, { body: { workflowRunId: owned.waiting } }],
  qianfanAsyncRun: () => [{ body: { component: 'vault', parameters: {} } }],
  qianfanAsyncRetrieve: () => [{ body: { execute_id: owned.ended } }, { body: { execute_id: owned.waiting } }],
  qianfanComponent: () => [{ body: { parameters: {} } }, { body: { parameters: {}, stream: true } }],
  qianfanComponentVersion: () => [{ body: { parameters: {} } }],
  huaweiRun: () => [{ body: { inputs: {} } }, { body: { inputs: {} }, headers: { stream: 'false' } }],
  huaweiAgentRun: () => [{ body: { inputs: {} } }, { body: { inputs: {} }, headers: { 'x-invoke-mode': 'debug' } }],
  tencentDialogue: () => {
    const asked = { session_id: 's1', visitor_biz_id: 'v1', request_id: 'r1', content: 'What is it?' };
    return [{ body: { ...asked, bot_app_key: caller.credentials['appKey'] } }];
  },
  tencentAction: () => [...TENCENT('vault'), ...TENCENT('asking')],
};

const QUERIES: Record<string, string> = {
  gptbotsCredits: `?start_time=0&end_time=${30 * 86_400_000}`,
  readFileByLink: '?tenant=acme&until=99999999999999&signature=guessed',
};

function listCalls(route: Route): ApiCall[] {
  const { method, body } = route;
  const examples = body?.kind === 'json' ? Object.values(body.examples ?? {}) : [];
  const bodies =
    BODIES[route.id]?.() ??
    (body ? (examples.length > 0 ? examples : [{}]).map((it) => ({ body: it as object })) : [{}]);
  const query = QUERIES[route.id] ?? '';
  return collectPaths(route).flatMap((path) => bodies.map((it) => ({ ...it, method, path: `${path}${query}` })));
}

type Judge = (route: Route, call: ApiCall, status: number) => void;

async function walk(routes: readonly Route[], intruder: Holder, judge: Judge) {
  caller = intruder;
  // What is put comes last: from then on the name means something of one's own.
  for (const route of routes.toSorted((a, b) => Number(a.method === 'PUT') - Number(b.method === 'PUT'))) {
    for (const call of listCalls(route)) {
      const { status, text } = await api.call(call, intruder);
      const said = `${call.method} ${call.path} ${JSON.stringify(call.body)} answers ${status} ${text}`;
      expect(text, said).not.toContain(MARK);
      expect(status, said).toBeLessThan(500);
      const named = `${call.path}${JSON.stringify(call.body ?? '')}`;
      for (const id of [owned.ended, owned.waiting, owned.key])
        if (!named.includes(id)) expect(text, said).not.toContain(id);
      judge(route, call, status);
    }
  }
}

/** Native calls that name something of the owner's are refused; writing under a name of one's own is not. */
function refusedByName(route: Route, { method, path }: ApiCall, status: number): void {
  if (!route.path.includes('{') || method === 'PUT') return;
  expect([403, 404], `${method} ${path} answers ${status}`).toContain(status);
}

/** For a bound key even what needs no name: the tenant's keys, secrets and tenants are not its matter. */
function refusedToBound(route: Route, call: ApiCall, status: number): void {
  const isAsked = route.access !== 'run' && route.access !== 'anyone';
  if (isAsked) expect(status, `${call.method} ${call.path} answers ${status}`).toBe(403);
  else refusedByName(route, call, status);
}

const unjudged = () => undefined;

describe.each(DIALECTS.map((dialect) => ({ name: dialect.name, dialect })))('$name', ({ name, dialect }) => {
  const isNative = name === 'native';
  const scopes = ['run' as const, 'admin' as const];

  test("shows and changes nothing of another tenant's", async () => {
    const asked = isNative ? { scopes } : { dialect: name };
    await walk(dialect.routes, await api.issue('rival', asked), isNative ? refusedByName : unjudged);
    await walk(dialect.routes, await api.issue('rival', { ...asked, flow: 'vault' }), unjudged);
    expect(await everythingOwned()).toEqual(before);
  });

  test('shows and changes nothing beyond the flow that its key is bound to', async () => {
    const asked = isNative ? { scopes: [...scopes, 'operator' as const] } : { dialect: name, ids: { c1: 'vault' } };
    const bound = await api.issue('acme', { ...asked, flow: 'elsewhere', name: 'intruder' });
    // Files belong to the tenant: whoever may run one of its flows may hand it any of them.
    const routes = dialect.routes.filter(({ path }) => !path.startsWith('/v1/files/{'));
    await walk(routes, bound, isNative ? refusedToBound : unjudged);
    expect(await everythingOwned()).toEqual(before);
  });
});

test('the walk would notice: the owner is shown all of it', async () => {
  const { text } = await api.call({ path: `/v1/runs/${owned.ended}` }, owner);
  expect(text).toContain(MARK);
  const greeted = await api.issue('acme', { dialect: 'dify', flow: 'asking', name: 'intruder' });
  const form = await api.call({ path: `/v1/form/human_input/${owned.token}` }, greeted);
  expect([form.status, form.text]).toEqual([200, expect.stringContaining(MARK)]);
});
