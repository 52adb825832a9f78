// The platform is killed in the middle of its work, twice: no accepted run is lost, every webhook is delivered.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, makeApiClient, publishFlow } from '../support/api-client.ts';
import { type RuntimeProcess, spawnRuntime } from '../support/runtime.ts';
import { startWebhookInbox, type WebhookInbox } from '../support/webhook-inbox.ts';

const RUNS = 20;
const WAITING = 4;

const STEPS = `
flow: 1
name: steps
inputs: { n: { type: integer, required: true }, slow: { type: string, required: true } }
nodes:
  fetch: { type: http, with: { url: "\${{ $inputs.slow }}?n=\${{ $inputs.n }}" } }
  timer: { type: wait, needs: fetch, with: { for: 1s } }
  again: { type: http, needs: timer, with: { url: "\${{ $inputs.slow }}?n=\${{ $nodes.fetch.body.n * 2 }}" } }
outputs:
  n: \${{ $nodes.again.body.n }}
`;
const DECIDE = `
flow: 1
name: decide
inputs: { n: { type: integer, required: true } }
nodes:
  decision: { type: callback, timeout: 1h, with: { message: Yes? } }
outputs:
  n: \${{ $inputs.n }}
  yes: \${{ $nodes.decision.yes }}
`;

let stateDir: string;
let slow: Server;
let inbox: WebhookInbox;
const calls = new Map<string, number>();

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'errand-crash-'));
  inbox = await startWebhookInbox();
  slow = createServer(async (request, response) => {
    const n = new URL(request.url ?? '', 'http://x').searchParams.get('n') ?? '';
    calls.set(n, (calls.get(n) ?? 0) + 1);
    await sleep(400);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ n: Number(n) }));
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await inbox[Symbol.asyncDispose]();
  slow.closeAllConnections();
  slow.close();
  await rm(stateDir, { recursive: true, force: true });
});

async function statuses(api: ApiClient): Promise<Record<string, number>> {
  const { items } = (await api.call('GET', '/v1/runs?limit=100')).body;
  return Object.groupBy(items as Body[], (run) => run.status) as never as Record<string, number>;
}

async function settledAll(api: ApiClient, ids: string[]): Promise<Body[]> {
  let runs: Body[] = [];
  const look = async () => {
    runs = await Promise.all(ids.map(async (id) => (await api.call('GET', `/v1/runs/${id}`)).body));
    return runs.filter(({ status }) => ['succeeded', 'failed', 'canceled'].includes(status)).length;
  };
  await expect.poll(look, { timeout: 90_000, interval: 500 }).toBe(ids.length);
  return runs;
}

test('every accepted run ends once and every webhook is delivered, however often the platform dies', async () => {
  const addressOfSlow = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
  let platform: RuntimeProcess = await spawnRuntime({ stateDir });
  let api = makeApiClient(platform.baseUrl, platform.key);
  await publishFlow(api, 'steps', STEPS);
  await publishFlow(api, 'decide', DECIDE);
  const accepted = await Promise.all(
    Array.from({ length: RUNS }, async (_, n) => {
      const flow = n < WAITING ? 'decide' : 'steps';
      const inputs = flow === 'decide' ? { n } : { n, slow: addressOfSlow };
      const webhooks = [{ url: `${inbox.url}/a/${n}` }, { url: `${inbox.url}/b/${n}`, method: 'PUT' }];
      const { status, body } = await api.call('POST', `/v1/flows/${flow}/runs`, { mode: 'async', inputs, webhooks });
      expect(status).toBe(202);
      return body.id as string;
    }),
  );
  await expect.poll(async () => Object.keys(await statuses(api)), { timeout: 10_000 }).toContain('running');
  const settledBefore = ((await statuses(api))['succeeded'] as unknown as Body[] | undefined)?.length ?? 0;
  await platform.kill();

  platform = await spawnRuntime({ stateDir });
  api = makeApiClient(platform.baseUrl, platform.key);
  await expect.poll(async () => (await api.call('GET', '/health')).status).toBe(200);
  await platform.kill();

  platform = await spawnRuntime({ stateDir });
  api = makeApiClient(platform.baseUrl, platform.key);
  for (const id of accepted.slice(0, WAITING)) {
    const { status } = await api.call('POST', `/v1/runs/${id}/signals/decision`, { yes: true });
    expect(status).toBe(202);
  }
  const runs = await settledAll(api, accepted);
  expect(settledBefore, 'the platform was killed in the middle').toBeLessThan(RUNS - WAITING);
  runs.forEach((run, n) => {
    expect([run.status, run.outputs], run.error?.message).toEqual([
      'succeeded',
      n < WAITING ? { n, yes: true } : { n: n * 2 },
    ]);
  });

  // At least once, and a repeat is known by its id.
  await expect
    .poll(() => new Set(inbox.messages.map(({ path }) => path)).size, { timeout: 60_000, interval: 200 })
    .toBe(2 * RUNS);
  for (const [n, id] of accepted.entries()) {
    const messages = inbox.messages.filter(({ path }) => path === `/a/${n}`);
    expect(new Set(messages.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([`msg_${id}_1`]));
    expect(JSON.parse(messages[0]?.body ?? '')).toMatchObject({ type: 'run.succeeded', data: { id } });
  }
  // A unit runs again only where a crash has interrupted it: two crashes, so three times at most.
  for (const [n, times] of calls) expect(times, `calls with n=${n}`).toBeLessThanOrEqual(6);

  // No slot was lost with the processes that held them.
  const { body: next } = await api.call('POST', '/v1/flows/steps/runs', {
    mode: 'async',
    inputs: { n: 99, slow: addressOfSlow },
  });
  const [run] = await settledAll(api, [next.id]);
  expect(run.status).toBe('succeeded');
  expect(await platform.stop()).toBe(0);
}, 180_000);
