import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { type ReceivedMessage, startWebhookInbox, type WebhookInbox } from '../support/webhook-inbox.ts';

const GREET = `
flow: 1
name: greet
nodes: { say: { type: set, with: { values: { text: Hello } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'greet', GREET);
}, 120_000);
afterAll(() => runtime?.stop());

const start = (webhooks: unknown) => api.call('POST', '/v1/flows/greet/runs', { mode: 'async', webhooks });
const deliveries = async (id: string): Promise<Body[]> =>
  (await api.call('GET', `/v1/runs/${id}/deliveries`)).body.items;
const secret = async (): Promise<string> => (await api.call('GET', '/v1/webhook-secret')).body.secret;

async function until(id: string, n: number, status: string): Promise<Body> {
  let delivery: Body;
  const look = async () => {
    delivery = (await deliveries(id))[n - 1];
    return delivery?.status;
  };
  await expect.poll(look, { timeout: 20_000, interval: 100 }).toBe(status);
  return delivery;
}

const verified = (key: string, { body, headers }: ReceivedMessage): unknown =>
  new Webhook(key).verify(body || '{}', headers as Record<string, string>);

async function withInbox(work: (inbox: WebhookInbox) => Promise<void>): Promise<void> {
  await using inbox = await startWebhookInbox();
  await work(inbox);
}

test('up to five are delivered, by any method, with headers of their own, signed so that the standard library verifies it', () =>
  withInbox(async (inbox) => {
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const { body } = await start(
      methods.map((method, n) => ({ url: `${inbox.url}/${n}?keep=1`, method, headers: { 'x-n': String(n) } })),
    );
    const received = await inbox.received(5, 20_000);
    expect(received.map(({ method }) => method).sort()).toEqual([...methods].sort());
    const key = await secret();
    for (const message of received) {
      expect(methods[Number(message.headers['x-n'])]).toBe(message.method);
      if (message.method === 'GET') {
        expect(message.path).toBe(`/0?keep=1&runId=${body.id}&status=succeeded`);
        expect(message.body).toBe('');
        continue;
      }
      expect(message.path).toContain('?keep=1');
      expect(verified(key, message)).toMatchObject({
        type: 'run.succeeded',
        data: { id: body.id, outputs: { text: 'Hello' } },
      });
    }
    const log = await deliveries(body.id);
    expect(JSON.stringify(log)).not.toContain('x-n');
  }));

test('one that fails is tried again, and every attempt is logged', () =>
  withInbox(async (inbox) => {
    inbox.answerWith({ status: 503, body: 'busy' });
    const { body } = await start([{ url: inbox.url }]);
    const { attempts } = await until(body.id, 1, 'delivered');
    expect(attempts).toMatchObject([
      { status: 503, response: 'busy', manual: false },
      { status: 200, manual: false },
    ]);
    const [first, second] = await inbox.received(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  }));

test('one that says 410 is not tried again, until somebody asks', () =>
  withInbox(async (inbox) => {
    inbox.answerWith({ status: 410 });
    const { body } = await start([{ url: inbox.url }]);
    await until(body.id, 1, 'gone');
    const again = await api.call('POST', `/v1/runs/${body.id}/deliveries/1/redeliver`);
    expect(again.status).toBe(202);
    const { attempts } = await until(body.id, 1, 'delivered');
    expect(attempts.at(-1)).toMatchObject({ status: 200, manual: true });
    expect((await inbox.received(2))[1]?.headers['webhook-id']).toBe(inbox.messages[0]?.headers['webhook-id']);
  }));

test('one that hangs or lies delays no other', () =>
  withInbox(async (inbox) => {
    const { body } = await start([{ url: 'http://127.0.0.1:9/refused' }, { url: inbox.url }]);
    await until(body.id, 2, 'delivered');
    const [refused] = await deliveries(body.id);
    expect(refused.status).toBe('pending');
    expect(refused.attempts[0]?.error).toBeTruthy();
  }));

test('after a rotation the secret before it still verifies, and another one does not', () =>
  withInbox(async (inbox) => {
    const before = await secret();
    const { body: rotated } = await api.call('POST', '/v1/webhook-secret:rotate');
    expect(rotated.secret).not.toBe(before);
    await start([{ url: inbox.url }]);
    const [message] = (await inbox.received(1, 20_000)) as [ReceivedMessage];
    expect(verified(before, message)).toBeTruthy();
    expect(() => verified(`whsec_${Buffer.from('x'.repeat(24)).toString('base64')}`, message)).toThrow();
  }));

test.each<[unknown, string, string]>([
  [Array.from({ length: 6 }, () => ({ url: 'https://example.com' })), 'too-many-webhooks', 'webhooks[5]'],
  [[{ url: 'https://example.com' }, { url: 'nonsense' }], 'unsafe-url', 'webhooks[1].url'],
  [[{ url: 'https://10.0.0.1/x' }], 'unsafe-url', 'webhooks[0].url'],
  [[{ url: 'https://169.254.169.254/latest' }], 'unsafe-url', 'webhooks[0].url'],
  [[{ url: 'ftp://example.com' }], 'unsafe-url', 'webhooks[0].url'],
  [[{ url: 'https://example.com', method: 'TRACE' }], 'invalid-request', 'webhooks[0].method'],
  [
    [{ url: 'https://example.com', headers: { 'webhook-id': 'mine' } }],
    'invalid-request',
    'webhooks[0].headers.webhook-id',
  ],
  [{ url: 'https://example.com' }, 'invalid-request', 'webhooks'],
])('%j is refused by name, and no run is written', async (webhooks, code, field) => {
  const count = async () => (await api.call('GET', '/v1/runs?limit=100')).body.items.length;
  const before = await count();
  const { status, body } = await start(webhooks);
  expect([status, body.error.code, body.error.details[0].field]).toEqual([400, code, field]);
  expect(await count()).toBe(before);
});
