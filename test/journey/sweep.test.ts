import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CREDENTIALS } from '../../local/credentials.ts';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { startWebhookInbox } from '../support/webhook-inbox.ts';

const DELAY = `
flow: 1
name: delay
inputs: { for: { type: string, default: 0s } }
nodes: { timer: { type: wait, with: { for: "\${{ $inputs.for }}" } } }
outputs: { done: { value: true } }
`;
const FAR = `
flow: 1
name: far
nodes:
  call: { type: http, retry: { max: 1, delay: 31s, jitter: false }, with: { url: "http://127.0.0.1:9/" }, onError: continue }
  answer: { type: callback, needs: call, join: any, timeout: 1h, with: { message: Well? } }
outputs: { answer: "\${{ $nodes.answer }}" }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'delay', DELAY);
  await publishFlow(api, 'far', FAR);
}, 120_000);
afterAll(() => runtime?.stop());

const start = (flow: string, body: object) => api.call('POST', `/v1/flows/${flow}/runs`, { mode: 'async', ...body });
const read = async (id: string) => (await api.call('GET', `/v1/runs/${id}`)).body;
const sweep = () => runtime.invoke('sweep', {});

test('a run whose queue message is lost is enqueued again by the sweeper', async () => {
  const startAfter = new Date(Date.now() + 3_000).toISOString();
  const { body } = await start('delay', { startAfter });
  const client = new SQSClient({
    endpoint: runtime.endpoints.queues,
    region: 'us-east-1',
    credentials: CREDENTIALS,
  });
  for (const { url } of runtime.blueprint.queues) await client.send(new PurgeQueueCommand({ QueueUrl: url }));
  await expect
    .poll(
      async () => {
        await sweep();
        return (await read(body.id)).status;
      },
      { timeout: 60_000, interval: 1_000 },
    )
    .toBe('succeeded');
  expect(Date.parse((await read(body.id)).startedAt) - Date.parse(startAfter), 'it was late').toBeGreaterThan(20_000);
}, 90_000);

test('a run past its deadline ends as expired, and its webhook is delivered', async () => {
  await using inbox = await startWebhookInbox();
  const { body } = await start('delay', { inputs: { for: '10m' }, timeout: '2s', webhooks: [{ url: inbox.url }] });
  await expect
    .poll(
      async () => {
        await sweep();
        return (await read(body.id)).status;
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe('failed');
  expect((await read(body.id)).error).toMatchObject({ code: 'run-expired' });
  const [message] = await inbox.received(1, 10_000);
  expect(JSON.parse(message?.body ?? '')).toMatchObject({
    type: 'run.failed',
    data: { error: { code: 'run-expired' } },
  });
});

test('a long retry leaves the slice, goes to Step Functions, and goes on after a signal', async () => {
  const { body } = await start('far', {});
  await expect.poll(async () => (await read(body.id)).status, { timeout: 20_000 }).toBe('waiting');
  expect(await read(body.id)).toMatchObject({ waitingFor: 'timer' });
  // A signal that comes before its node waits is kept for it.
  expect((await api.call('POST', `/v1/runs/${body.id}/signals/answer`, { well: 'yes' })).status).toBe(202);
  const second = await api.call('POST', `/v1/runs/${body.id}/signals/answer`, { well: 'no' });
  expect([second.status, second.body.error.code]).toEqual([409, 'signal-already-given']);
  await expect.poll(async () => (await read(body.id)).status, { timeout: 100_000, interval: 1_000 }).toBe('succeeded');
  const run = await read(body.id);
  expect(run.outputs).toEqual({ answer: { well: 'yes' } });
  const { items } = (await api.call('GET', `/v1/runs/${body.id}/nodes`)).body;
  expect(items[0]).toMatchObject({ path: 'call', status: 'failed', handled: true, attempts: 2 });
}, 120_000);
