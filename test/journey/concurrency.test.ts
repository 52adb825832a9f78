import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';

const DELAY = `
flow: 1
name: delay
inputs: { for: { type: string, default: 1s } }
nodes: { timer: { type: wait, with: { for: "\${{ $inputs.for }}" } } }
outputs: { done: { value: true } }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let operator: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  operator = await demoClient(runtime);
}, 120_000);
afterAll(() => runtime?.stop());

async function tenantWith(id: string, limits: object): Promise<ApiClient> {
  expect((await operator.call('POST', '/v1/tenants', { id, limits })).status).toBe(201);
  const { body } = await operator.call('POST', '/v1/keys', { tenant: id, scopes: ['run', 'admin'] });
  const tenant = operator.as(body.credentials.key);
  await publishFlow(tenant, 'delay', DELAY);
  return tenant;
}

const start = (tenant: ApiClient, body: object = {}) =>
  tenant.call('POST', '/v1/flows/delay/runs', { mode: 'async', ...body });

async function ended(tenant: ApiClient, ids: string[]): Promise<Body[]> {
  let runs: Body[] = [];
  const look = async () => {
    runs = await Promise.all(ids.map(async (id) => (await tenant.call('GET', `/v1/runs/${id}`)).body));
    return runs.every(({ endedAt }) => endedAt !== null);
  };
  await expect.poll(look, { timeout: 40_000, interval: 100 }).toBe(true);
  return runs;
}

test('runs beyond the limit wait, and start by priority, then age, never more at once than the limit', async () => {
  const tenant = await tenantWith('orderly', { concurrency: 2 });
  // Long enough for all others to be queued before a slot is free.
  const long = { inputs: { for: '5s' } };
  const first = [await start(tenant, long), await start(tenant, long)].map(({ body }) => body.id);
  const running = async () => (await tenant.call('GET', '/v1/runs?status=running')).body.items.length;
  await expect.poll(running, { timeout: 5_000, interval: 50 }).toBe(2);
  const queued: string[] = [];
  for (const priority of [0, 0, 9, 5]) queued.push((await start(tenant, { priority })).body.id);
  let most = 0;
  const watch = setInterval(() => void running().then((now) => (most = Math.max(most, now))), 50);
  const runs = await ended(tenant, [...first, ...queued]);
  clearInterval(watch);
  expect(runs.every(({ status }) => status === 'succeeded')).toBe(true);
  expect(most).toBeLessThanOrEqual(2);
  const order = runs.slice(2).sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  expect(
    order
      .slice(0, 2)
      .map(({ id }) => id)
      .sort(),
  ).toEqual([queued[2], queued[3]].sort());
});

test('a full queue refuses with the time to come back, and has room again after a cancel', async () => {
  const tenant = await tenantWith('narrow', { concurrency: 1, queued: 2 });
  const hold = (await start(tenant, { inputs: { for: '20s' } })).body.id;
  await expect.poll(async () => (await tenant.call('GET', `/v1/runs/${hold}`)).body.status).toBe('running');
  const queued: string[] = [];
  const refusedEventually = async () => {
    const { status, headers, body } = await start(tenant);
    if (status === 202) queued.push(body.id);
    return [status, headers.get('retry-after'), body.error?.code];
  };
  // The count is read without a lock, so that accepts never wait for each other.
  await expect.poll(refusedEventually, { timeout: 10_000, interval: 300 }).toEqual([429, '30', 'tenant-over-limit']);
  expect(queued.length).toBeGreaterThanOrEqual(2);
  await tenant.call('POST', `/v1/runs/${queued[0]}/cancel`);
  await tenant.call('POST', `/v1/runs/${queued[1]}/cancel`);
  await expect.poll(async () => (await start(tenant)).status, { timeout: 10_000, interval: 300 }).toBe(202);
  await tenant.call('POST', `/v1/runs/${hold}/cancel`);
});

test('synchronous calls never wait: one too many is refused', async () => {
  const tenant = await tenantWith('hasty', { sync: 1 });
  const slow = tenant.call('POST', '/v1/flows/delay/runs', { inputs: { for: '3s' } });
  const second = () => tenant.call('POST', '/v1/flows/delay/runs', { inputs: { for: '3s' } });
  await expect.poll(async () => (await tenant.call('GET', '/v1/runs?status=running')).body.items.length).toBe(1);
  const { status, headers, body } = await second();
  expect([status, headers.get('retry-after'), body.error.code]).toEqual([429, '5', 'tenant-over-limit']);
  expect((await slow).status).toBe(200);
});

test("one tenant's flood does not starve another", async () => {
  const [flood, quiet] = [await tenantWith('flood', { concurrency: 2 }), await tenantWith('quiet', {})];
  await Promise.all(Array.from({ length: 40 }, () => start(flood)));
  const mine = await Promise.all(Array.from({ length: 5 }, () => start(quiet, { inputs: { for: '0s' } })));
  const runs = await ended(
    quiet,
    mine.map(({ body }) => body.id),
  );
  expect(runs.every(({ status }) => status === 'succeeded')).toBe(true);
  const left = (await flood.call('GET', '/v1/runs?status=pending&limit=100')).body.items.length;
  expect(left).toBeGreaterThan(10);
});
