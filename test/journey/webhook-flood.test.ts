import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { startWebhookInbox, type WebhookInbox } from '../support/webhook-inbox.ts';

const RUNS = 60;
const EACH = 5;
const GREET = `
flow: 1
name: greet
nodes: { say: { type: set, with: { values: { text: Hello } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;
let inbox: WebhookInbox;
let hung: Server;
let asked = 0;
let hangs = true;

beforeAll(async () => {
  inbox = await startWebhookInbox();
  hung = createServer((_, response) => {
    asked += 1;
    if (!hangs) response.end();
  });
  await new Promise<void>((resolve) => hung.listen(0, '127.0.0.1', resolve));
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'greet', GREET);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await inbox[Symbol.asyncDispose]();
  hung.closeAllConnections();
  hung.close();
});

const start = async (webhooks: { url: string }[]): Promise<string> => {
  const { status, body } = await api.call('POST', '/v1/flows/greet/runs', { mode: 'async', webhooks });
  expect(status, JSON.stringify(body)).toBe(202);
  return body.id;
};

test('a flood of webhooks to a receiver that hangs delays nobody else, and is delivered when it is back', async () => {
  const url = `http://127.0.0.1:${(hung.address() as AddressInfo).port}/`;
  const flood: string[] = [];
  for (let n = 0; n < RUNS; n += 10) {
    const five = Array.from({ length: EACH }, () => ({ url }));
    flood.push(...(await Promise.all(Array.from({ length: 10 }, () => start(five)))));
  }
  for (let n = 0; n < 10; n += 1) await start([{ url: `${inbox.url}/${n}` }]);
  await inbox.received(10, 60_000);
  // Whoever only queued behind the flood would be delivered after the last of its 300 first attempts.
  expect(asked).toBeLessThan(RUNS * EACH);

  hangs = false;
  hung.closeAllConnections();
  const countDelivered = async () => {
    const runs = await Promise.all(flood.map(async (id) => (await api.call('GET', `/v1/runs/${id}`)).body));
    return runs.flatMap(({ webhooks }: Body) => webhooks).filter(({ status }: Body) => status === 'delivered').length;
  };
  await expect.poll(countDelivered, { timeout: 100_000, interval: 2_000 }).toBe(RUNS * EACH);
}, 240_000);
