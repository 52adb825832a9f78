import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';

const GREET = `
flow: 1
name: greet
inputs:
  name: { type: string, maxLength: 8, default: world }
nodes:
  say: { type: set, with: { values: { text: "Hello, \${{ $inputs.name }}!" } } }
outputs:
  text: \${{ $nodes.say.text }}
`;

const DELAY = `
flow: 1
name: delay
nodes:
  wait: { type: wait, with: { for: 2s } }
outputs: {}
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'greet', GREET);
}, 120_000);
afterAll(() => runtime?.stop());

const start = (body: unknown, headers?: Record<string, string>) =>
  api.call('POST', '/v1/flows/greet/runs', body, headers);

/** The one envelope, and nothing that belongs to us. */
function refusal({ status, headers, body }: Answer) {
  expect(Object.keys(body)).toEqual(['error']);
  expect(body.error.requestId).toBe(headers.get('x-request-id'));
  expect(JSON.stringify(body)).not.toMatch(/node_modules|\.ts:|at async|arn:aws|DynamoDB/);
  const { code, details } = body.error;
  return { status, code, field: details?.[0]?.field };
}

/** A new tenant with flows of its own. */
async function tenantWith(id: string, settings: object): Promise<ApiClient> {
  await api.call('POST', '/v1/tenants', { id, ...settings });
  const { body } = await api.call('POST', '/v1/keys', { tenant: id, scopes: ['run', 'admin'] });
  const tenant = api.as(body.credentials.key);
  await publishFlow(tenant, 'greet', GREET);
  await publishFlow(tenant, 'delay', DELAY);
  return tenant;
}

const runCount = async () => (await api.call('GET', '/v1/runs?limit=100')).body.items.length;

/** Webhook receivers that cannot be reached do not matter here: nothing is delivered. */
const hooks = (count: number) => Array.from({ length: count }, (_, n) => ({ url: `https://example.com/${n}` }));

test.each<[string, unknown, object]>([
  ['malformed JSON', '{"inputs": {', { status: 400, code: 'invalid-request' }],
  ['an empty body', '', { status: 400, code: 'invalid-request' }],
  ['a list where an object belongs', [], { status: 400, code: 'invalid-request' }],
  ['bytes that are no text', new Uint8Array([0x7b, 0xff]), { status: 400, code: 'invalid-request' }],
  [
    'JSON that is too deep',
    `{"inputs": ${'['.repeat(200)}${']'.repeat(200)}}`,
    { status: 400, code: 'invalid-request' },
  ],
  ['an unknown field', { inptus: {} }, { status: 400, code: 'invalid-request', field: 'inptus' }],
  ['an unknown mode', { mode: 'later' }, { status: 400, code: 'invalid-request', field: 'mode' }],
  ['a mode that is not offered', { mode: 'batch' }, { status: 400, code: 'invalid-request', field: 'mode' }],
  ['a wrong type', { user: 7 }, { status: 400, code: 'invalid-request', field: 'user' }],
  ['a wrong input', { inputs: { name: 7 } }, { status: 400, code: 'invalid-inputs', field: 'inputs.name' }],
  [
    'an input that is too long',
    { inputs: { name: 'x'.repeat(9) } },
    { status: 400, code: 'invalid-inputs', field: 'inputs.name' },
  ],
  ['an unknown input', { inputs: { nam: 'x' } }, { status: 400, code: 'invalid-inputs', field: 'inputs.nam' }],
  ['inputs that are no object', { inputs: [] }, { status: 400, code: 'invalid-inputs' }],
  [
    'a priority out of range',
    { mode: 'async', priority: 10 },
    { status: 400, code: 'invalid-request', field: 'priority' },
  ],
  ['a timeout without a unit', { timeout: '90' }, { status: 400, code: 'invalid-request', field: 'timeout' }],
  ['an unknown version', { version: '9.9.9' }, { status: 404, code: 'version-not-found' }],
  [
    'six webhooks',
    { mode: 'async', webhooks: hooks(6) },
    { status: 400, code: 'too-many-webhooks', field: 'webhooks[5]' },
  ],
  [
    'an address that is none',
    { webhooks: [{ url: 'nowhere' }] },
    { status: 400, code: 'unsafe-url', field: 'webhooks[0].url' },
  ],
  [
    'a private address',
    { webhooks: [...hooks(1), { url: 'https://10.0.0.1/' }] },
    { status: 400, code: 'unsafe-url', field: 'webhooks[1].url' },
  ],
  [
    'an unknown field of a webhook',
    { webhooks: [{ url: 'https://example.com', verb: 'PUT' }] },
    { status: 400, code: 'invalid-request', field: 'webhooks[0].verb' },
  ],
])('refuses %s, says so, and writes nothing', async (_, body, expected) => {
  const before = await runCount();
  expect(refusal(await start(body))).toMatchObject(expected);
  expect(await runCount()).toBe(before);
});

test('says at which line and column a body stops being JSON', async () => {
  const { body } = await start('{\n  "inputs": {},\n  oops\n}');
  expect(body.error.details).toMatchObject([{ line: 3, column: 3 }]);
});

test('suggests the field that was probably meant', async () => {
  const { body } = await start({ inptus: {} });
  expect(body.error.message).toBe("inptus is not a field of this request (did you mean 'inputs'?)");
});

test('refuses a body over a megabyte with 413', async () => {
  expect(refusal(await start(`{"inputs": {"name": "${'x'.repeat(1_100_000)}"}}`))).toMatchObject({
    status: 413,
    code: 'payload-too-large',
  });
});

test('refuses a body that is not JSON by its media type', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  expect(refusal(await start('inputs=1', form))).toMatchObject({ status: 400, field: 'Content-Type' });
});

test('refuses an Idempotency-Key that is too long', async () => {
  expect(refusal(await start({}, { 'idempotency-key': 'k'.repeat(256) }))).toMatchObject({
    status: 400,
    field: 'Idempotency-Key',
  });
});

test('keeps __proto__ out of everything', async () => {
  const { status } = await start('{"inputs": {"__proto__": {"name": "x"}}, "__proto__": {"mode": "async"}}');
  expect(status).toBe(400);
  expect((await start({ inputs: { name: 'Ada' } })).body.outputs).toEqual({ text: 'Hello, Ada!' });
});

test('answers 404 for a flow, a run or a path that does not exist', async () => {
  const get = async (path: string) => refusal(await api.call('GET', path));
  expect(await get('/v1/flows/nothing')).toMatchObject({ status: 404, code: 'flow-not-found' });
  expect(refusal(await api.call('POST', '/v1/flows/nothing/runs', {}))).toMatchObject({ code: 'flow-not-found' });
  expect(await get('/v1/flows/greet/versions/7.0.0')).toMatchObject({ status: 404, code: 'version-not-found' });
  expect(await get('/v1/runs/no-run')).toMatchObject({ status: 404, code: 'run-not-found' });
  expect(await get('/v1/runs/01890a5d-ac96-774b-bcce-b302099a8057')).toMatchObject({
    status: 404,
    code: 'run-not-found',
  });
  expect(await get('/v1/nothing')).toMatchObject({ status: 404, code: 'not-found' });
});

test('answers a wrong method with 405 and the allowed methods', async () => {
  const answer = await api.call('PUT', '/v1/runs', {});
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('refuses filters that would be ignored', async () => {
  const list = async (query: string) => refusal(await api.call('GET', `/v1/runs?${query}`));
  expect(await list('stauts=failed')).toMatchObject({ status: 400, field: 'stauts' });
  expect(await list('status=done')).toMatchObject({ status: 400, field: 'status' });
  expect(await list('limit=1000')).toMatchObject({ status: 400, field: 'limit' });
  expect(await list('from=yesterday')).toMatchObject({ status: 400, field: 'from' });
  expect(await list('limit=1&limit=2')).toMatchObject({ status: 400, field: 'limit' });
  expect(await list('cursor=forged')).toMatchObject({ status: 400, field: 'cursor' });
});

test('refuses to run a flow that was never published', async () => {
  await api.call('PUT', '/v1/flows/unborn/draft', GREET.replace('greet', 'unborn'), {
    'content-type': 'application/yaml',
  });
  const answer = await api.call('POST', '/v1/flows/unborn/runs', {});
  expect(refusal(answer)).toMatchObject({ status: 409, code: 'flow-not-published' });
});

test('stores a draft with problems and their positions, and refuses to publish it', async () => {
  const yaml = { 'content-type': 'application/yaml' };
  const draft = await api.call(
    'PUT',
    '/v1/flows/faulty/draft',
    'flow: 1\nname: faulty\nnodes:\n  a: { type: htpp }\n',
    yaml,
  );
  expect(draft.status).toBe(200);
  expect(draft.body.problems).toEqual(
    expect.arrayContaining([expect.objectContaining({ line: 4, message: expect.stringContaining("'http'") })]),
  );
  expect(refusal(await api.call('POST', '/v1/flows/faulty/publish'))).toMatchObject({
    status: 422,
    code: 'invalid-flow',
  });
  const unreadable = await api.call('PUT', '/v1/flows/faulty/draft', 'a: [', yaml);
  expect(refusal(unreadable)).toMatchObject({ status: 400, code: 'invalid-request' });
});

test('asks for a key, and says nothing about why one is refused', async () => {
  const without = await api.as('').call('GET', '/v1/me');
  expect(refusal(without)).toMatchObject({ status: 401, code: 'unauthenticated' });
  expect(without.headers.get('x-amzn-remapped-www-authenticate')).toMatch(/^Bearer/);
  const wrong = await api.as('erd_wrong').call('POST', '/v1/flows/greet/runs', { foo: 1 });
  expect(refusal(wrong)).toMatchObject({ status: 401, code: 'unauthenticated' });
});

test('refuses a key that lacks the scope', async () => {
  const { body } = await api.call('POST', '/v1/keys', {});
  const caller = api.as(body.credentials.key);
  const yaml = { 'content-type': 'application/yaml' };
  expect(refusal(await caller.call('PUT', '/v1/flows/greet/draft', GREET, yaml))).toMatchObject({ status: 403 });
  expect(refusal(await caller.call('GET', '/v1/keys'))).toMatchObject({ status: 403, code: 'forbidden' });
  expect(refusal(await caller.call('POST', '/v1/tenants', {}))).toMatchObject({ status: 403 });
});

test('hides the runs and flows of other tenants', async () => {
  await api.call('POST', '/v1/tenants', { id: 'rival' });
  const { body } = await api.call('POST', '/v1/keys', { tenant: 'rival', scopes: ['run', 'admin'] });
  const rival = api.as(body.credentials.key);
  const { body: run } = await start({});
  const nothing = { status: 404, code: 'run-not-found' };
  for (const path of ['', '/nodes', '/snapshot', '/deliveries']) {
    expect(refusal(await rival.call('GET', `/v1/runs/${run.id}${path}`)), path).toMatchObject(nothing);
  }
  for (const path of ['/cancel', '/rerun', '/signals/say', '/deliveries/1/redeliver']) {
    expect(refusal(await rival.call('POST', `/v1/runs/${run.id}${path}`, {})), path).toMatchObject(nothing);
  }
  expect((await rival.call('GET', '/v1/runs')).body.items).toEqual([]);
  expect(refusal(await rival.call('GET', '/v1/flows/greet'))).toMatchObject({ code: 'flow-not-found' });
});

test('refuses async runs of a tenant without the entitlement', async () => {
  const plain = await tenantWith('plain', { entitlements: { async: false } });
  const answer = await plain.call('POST', '/v1/flows/greet/runs', { mode: 'async' });
  expect(refusal(answer)).toMatchObject({ status: 403, code: 'async-not-entitled' });
});

test('refuses sync runs beyond the limit of the tenant with 429 and Retry-After', async () => {
  const small = await tenantWith('small', { limits: { sync: 1 } });
  const answers = await Promise.all([1, 2, 3].map(() => small.call('POST', '/v1/flows/delay/runs', {})));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  for (const answer of refused) {
    expect(refusal(answer)).toMatchObject({ code: 'tenant-over-limit' });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect((await small.call('POST', '/v1/flows/delay/runs', {})).status).toBe(200);
});

test("refuses async runs when the tenant's queue is full", async () => {
  const crowded = await tenantWith('crowded', { limits: { queued: 0 } });
  const answer = await crowded.call('POST', '/v1/flows/greet/runs', { mode: 'async' });
  expect(refusal(answer)).toMatchObject({ status: 429, code: 'tenant-over-limit' });
  expect(answer.headers.has('retry-after')).toBe(true);
});
