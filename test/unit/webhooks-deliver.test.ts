import { Webhook as Verifier } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { actForTenant } from '../../lambdas/core/access/run-access.ts';
import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import { type DeliverPorts, deliver } from '../../lambdas/core/deliver/deliver.ts';
import { redeliver } from '../../lambdas/core/deliver/redeliver.ts';
import { readDeliverySecret, rotateWebhookSecret } from '../../lambdas/core/deliver/signing-secrets.ts';
import { UNPICKED_SECONDS } from '../../lambdas/core/limits.ts';
import type { RunStore } from '../../lambdas/core/ports/runs.ts';
import type { Delivery, Run, RunRecord } from '../../lambdas/core/run.ts';
import { renderRun } from '../../lambdas/core/runs/run-view.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { makeFakeClock } from '../support/fake-clock.ts';
import { makeMemoryQueues } from '../support/memory-queues.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';
import { startWebhookInbox, type WebhookInbox } from '../support/webhook-inbox.ts';

const RUN = '018f4e3a-7b6c-7d8e-9f01-23456789abcd';
// The verifier has a clock of its own and refuses messages that are five minutes off.
const NOW = Date.now();
const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;
const HOURS = 60 * MINUTES;

const endedRun: Run = {
  id: RUN,
  tenant: 'acme',
  flow: 'news',
  version: '1.0.0',
  digest: 'd',
  env: 'published',
  mode: 'async',
  dialect: 'native',
  status: 'succeeded',
  usage: { totalTokens: 12, costMicros: 1_500, steps: 3 },
  handledErrors: 0,
  createdAt: NOW - 2_000,
  startedAt: NOW - 1_500,
  endedAt: NOW,
  deadlineAt: NOW + 24 * HOURS,
  priority: 5,
  webhookCount: 1,
  origin: 'https://errand.example',
  epoch: 1,
  crashes: 0,
  signals: 0,
  seenSignals: 0,
  handoffs: 0,
};

type DeliveryRuns = Pick<RunStore, 'get' | 'read' | 'delivery' | 'recordAttempt' | 'reopenDelivery' | 'deferDelivery'>;

/** One run with one webhook; `dueAt` is when the sweeper would look at the webhook. */
function makeRuns(run: Run, webhook: Partial<Delivery>) {
  const base = {
    run: run.id,
    tenant: run.tenant,
    n: 1,
    method: 'POST',
    url: '',
    status: 'pending',
    attempts: [],
  } as const;
  const kept: { delivery: Delivery; dueAt?: number | undefined } = {
    delivery: { ...base, attempts: [], nextAt: NOW, ...webhook },
  };
  const record = (): RunRecord => ({
    run,
    inputs: { topic: 'tea' },
    outputs: { news: ['ünïcode'] },
    deliveries: [structuredClone(kept.delivery)],
  });
  const runs: DeliveryRuns = {
    get: async (id) => (id === run.id ? run : undefined),
    read: async (id) => (id === run.id ? record() : undefined),
    delivery: async (id, n) => (id === run.id && n === 1 ? structuredClone(kept.delivery) : undefined),
    async recordAttempt(delivery, attempt, { status, nextAt, dueAt }) {
      if (delivery.attempts.length !== kept.delivery.attempts.length) return false;
      const { nextAt: _, ...rest } = kept.delivery;
      const attempts = [...delivery.attempts, attempt];
      kept.delivery = { ...rest, status, attempts, nextAt };
      kept.dueAt = dueAt;
      return true;
    },
    deferDelivery: () => Promise.reject(new Error('these tests have no circuit breaker')),
    async reopenDelivery(_delivery, now) {
      kept.delivery = { ...kept.delivery, status: 'pending', nextAt: now };
    },
  };
  return { runs, kept, record };
}

function makePorts(runs: DeliveryRuns, policy: 'none' | 'loopback' = 'loopback') {
  const logged: unknown[] = [];
  const metrics: string[] = [];
  const log = (...entry: unknown[]) => void logged.push(entry);
  const clock = makeFakeClock(NOW);
  const queues = makeMemoryQueues();
  const ports = {
    runs,
    clock,
    queues,
    ids: { run: () => RUN, token: (chars: number) => 'x'.repeat(chars), random: () => 0 },
    tenants: makeMemoryTenantStore(),
    caches: makeCaches(),
    keyring: makeKeyring(async () => 'a platform secret of more than 32 characters'),
    http: makeHttpClient({ policy }),
    log: { info: log, warn: log, error: log, metric: (name: string) => void metrics.push(name) },
  } satisfies DeliverPorts & { runs: DeliveryRuns };
  return { ...ports, logged, metrics };
}

function setUp(webhook: Partial<Delivery> = {}, run: Partial<Run> = {}) {
  const store = makeRuns({ ...endedRun, ...run }, { url: `${inbox.url}/hook`, ...webhook });
  const ports = makePorts(store.runs);
  return { ...store, ports, attempt: () => deliver(ports, { run: RUN, n: 1 }) };
}

let inbox: WebhookInbox;
beforeEach(async () => {
  inbox = await startWebhookInbox();
});
afterEach(() => inbox[Symbol.asyncDispose]());

describe('the message', () => {
  test('is the run as the API returns it, signed so that the standardwebhooks package believes it', async () => {
    const { attempt, ports, record } = setUp({ headers: { 'X-Team': 'news' } });
    const before = renderRun(record());
    expect(await attempt()).toBe('delivered');
    const [message] = await inbox.received(1);
    expect(message).toMatchObject({ method: 'POST', path: '/hook' });
    expect(message?.headers).toMatchObject({
      'x-team': 'news',
      'content-type': 'application/json',
      'webhook-id': `msg_${RUN}_1`,
    });
    const verified = new Verifier(await readDeliverySecret(ports, 'acme')).verify(
      message?.body ?? '',
      strings(message),
    );
    expect(verified).toEqual({ type: 'run.succeeded', timestamp: new Date(NOW).toISOString(), data: before });
  });

  test('lets the headers of the caller win over ours, but not over the signature', async () => {
    const { attempt } = setUp({ headers: { 'Content-Type': 'application/vnd.news+json', 'User-Agent': 'news' } });
    await attempt();
    const [message] = await inbox.received(1);
    expect(message?.headers).toMatchObject({ 'content-type': 'application/vnd.news+json', 'user-agent': 'news' });
  });

  test.each(['PUT', 'PATCH', 'DELETE'] as const)('is sent by %s with a body', async (method) => {
    await setUp({ method }).attempt();
    const [message] = await inbox.received(1);
    expect(message?.method).toBe(method);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ type: 'run.succeeded', data: { id: RUN } });
  });

  test('sent by GET has no body: run and status follow the query of the URL, the empty body is signed', async () => {
    const { attempt, ports } = setUp({ method: 'GET', url: `${inbox.url}/hook?fr=google&q=a%20b+c#top` });
    expect(await attempt()).toBe('delivered');
    const [message] = await inbox.received(1);
    expect(message).toMatchObject({
      method: 'GET',
      path: `/hook?fr=google&q=a%20b+c&runId=${RUN}&status=succeeded`,
      body: '',
    });
    expect(message?.headers['content-type']).toBeUndefined();
    const secret = await readDeliverySecret(ports, 'acme');
    expect(() => new Verifier(secret).verify('', strings(message))).not.toThrow();
  });

  test('of a run that came through a dialect has the shape of that dialect', async () => {
    const { ports } = setUp({}, { dialect: 'gptbots' });
    const shape = ({ run }: RunRecord) => ({ body: { workflowRunId: run.id }, query: { workflowRunId: run.id } });
    await deliver(ports, { run: RUN, n: 1 }, { gptbots: shape });
    const [message] = await inbox.received(1);
    expect(JSON.parse(message?.body ?? '')).toEqual({ workflowRunId: RUN });
  });

  test('is signed with the old secret too while the secret is being rotated', async () => {
    const { ports, attempt } = setUp();
    const old = await readDeliverySecret(ports, 'acme');
    const fresh = await rotateWebhookSecret(ports, 'acme');
    await attempt();
    const [message] = await inbox.received(1);
    for (const secret of [old, fresh]) {
      expect(() => new Verifier(secret).verify(message?.body ?? '', strings(message))).not.toThrow();
    }
  });
});

describe('an attempt', () => {
  test('that is answered with 2xx ends the delivery and logs the answer', async () => {
    const { attempt, kept, ports } = setUp();
    inbox.answerWith({ status: 202, body: ' thanks\u0000\u202e ' });
    expect(await attempt()).toBe('delivered');
    expect(kept.delivery).toMatchObject({
      status: 'delivered',
      attempts: [{ at: NOW, status: 202, response: 'thanks' }],
    });
    expect(kept.delivery.nextAt).toBeUndefined();
    expect(kept.dueAt).toBeUndefined();
    expect(ports.queues.deliveries).toEqual([]);
    expect(ports.metrics).toEqual(['DeliveryDelivered']);
  });

  test.each([301, 400, 401, 404, 429, 500, 503])(
    'that is answered with %d is made again, with the same id',
    async (status) => {
      const { attempt, kept, ports } = setUp();
      inbox.answerWith({ status, headers: { location: `${inbox.url}/elsewhere` } });
      expect(await attempt()).toBe('pending');
      expect(kept.delivery).toMatchObject({ status: 'pending', nextAt: NOW + 2 * SECONDS });
      expect(kept.dueAt).toBe(NOW + (2 + UNPICKED_SECONDS) * SECONDS);
      expect(ports.queues.deliveries).toEqual([{ run: RUN, n: 1, tenant: 'acme', delaySeconds: 2 }]);
      ports.clock.advance(2 * SECONDS);
      expect(await attempt()).toBe('delivered');
      const [first, second, ...more] = await inbox.received(2);
      expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
      expect(more).toEqual([]);
    },
  );

  test('that is answered with 410 is the last', async () => {
    const { attempt, kept, ports } = setUp();
    inbox.answerWith({ status: 410 });
    expect(await attempt()).toBe('gone');
    expect(kept.delivery.status).toBe('gone');
    expect(ports.queues.deliveries).toEqual([]);
  });

  test('waits as long as the receiver asks', async () => {
    const { attempt, kept } = setUp();
    inbox.answerWith({ status: 503, headers: { 'retry-after': '120' } });
    await attempt();
    expect(kept.delivery.nextAt).toBe(NOW + 120 * SECONDS);
  });

  test('that is due later than the queue can wait is left to the due index', async () => {
    const { attempt, kept, ports } = setUp();
    inbox.answerWith({ status: 503, headers: { 'retry-after': '3600' } });
    await attempt();
    expect(kept.delivery.nextAt).toBe(NOW + HOURS);
    expect(kept.dueAt).toBe(NOW + HOURS);
    expect(ports.queues.deliveries).toEqual([]);
  });

  test('is made ten times over less than a day, and then no more', async () => {
    const { attempt, kept, ports } = setUp();
    inbox.answerWith(...Array.from({ length: 10 }, () => ({ status: 500 })));
    const outcomes: string[] = [];
    for (let made = 0; made < 10; made++) {
      outcomes.push(await attempt());
      ports.clock.advance((kept.delivery.nextAt ?? ports.clock.now()) - ports.clock.now());
    }
    expect(outcomes).toEqual([...Array(9).fill('pending'), 'exhausted']);
    expect(ports.clock.now() - NOW).toBeLessThan(24 * HOURS);
    expect(await attempt()).toBe('skipped');
    expect(inbox.messages).toHaveLength(10);
    expect(ports.metrics.at(-1)).toBe('DeliveryExhausted');
  });

  test('whose receiver cannot be reached is logged with the reason', async () => {
    const { attempt, kept } = setUp({ url: 'http://127.0.0.1:9/hook' });
    expect(await attempt()).toBe('pending');
    expect(kept.delivery.attempts[0]).toMatchObject({ error: expect.stringMatching(/^connect: /) });
    expect(kept.delivery.attempts[0]?.status).toBeUndefined();
  });

  test('at an address that has become unsafe fails without a connection', async () => {
    const store = makeRuns(endedRun, { url: `${inbox.url}/hook` });
    const ports = makePorts(store.runs, 'none');
    expect(await deliver(ports, { run: RUN, n: 1 })).toBe('pending');
    expect(store.kept.delivery.attempts[0]?.error).toMatch(/^unsafe-url: /);
    expect(inbox.messages).toEqual([]);
  });

  test('keeps at most 1,024 characters of an answer, however long it is', async () => {
    const { attempt, kept } = setUp();
    inbox.answerWith({ status: 200, body: '💥'.repeat(100_000) });
    await attempt();
    const response = kept.delivery.attempts[0]?.response ?? '';
    expect([...response]).toHaveLength(1_024);
    expect(response.isWellFormed()).toBe(true);
  });

  test('leaves no secret in the log: no header, no payload, no path or query of the address', async () => {
    const { attempt, ports } = setUp({
      url: `${inbox.url}/hook/hunter2?key=hunter2`,
      headers: { authorization: 'hunter2' },
    });
    inbox.answerWith({ status: 500, body: 'hunter2' });
    await attempt();
    expect(ports.logged).toHaveLength(1);
    expect(JSON.stringify(ports.logged)).not.toContain('hunter2');
    expect(JSON.stringify(ports.logged)).not.toContain('ünïcode');
  });

  test('counts even where the next message cannot be enqueued: the due index has it', async () => {
    const { attempt, kept, ports } = setUp();
    inbox.answerWith({ status: 500 });
    ports.queues.enqueueDeliveries = async () => {
      throw new Error('the queue is not available');
    };
    expect(await attempt()).toBe('pending');
    expect(kept.dueAt).toBe(NOW + (2 + UNPICKED_SECONDS) * SECONDS);
  });
});

describe('a queue message', () => {
  test.each([
    ['early', { nextAt: NOW + 5 * SECONDS }, {}],
    ['for a delivery that has ended', { status: 'delivered' as const }, {}],
    ['for a run that has not ended', {}, { status: 'running' as const }],
  ])('that comes %s does nothing', async (_, webhook, run) => {
    const { attempt, kept } = setUp(webhook, run);
    expect(await attempt()).toBe('skipped');
    expect(kept.delivery.attempts).toEqual([]);
    expect(inbox.messages).toEqual([]);
  });

  test('for a webhook that does not exist does nothing', async () => {
    const { ports } = setUp();
    expect(await deliver(ports, { run: RUN, n: 2 })).toBe('skipped');
  });

  test('that comes twice at once records one attempt', async () => {
    const { attempt, kept } = setUp();
    inbox.answerWith({ status: 500 }, { status: 500 });
    expect((await Promise.all([attempt(), attempt()])).sort()).toEqual(['pending', 'skipped']);
    expect(kept.delivery.attempts).toHaveLength(1);
  });
});

describe('redelivery', () => {
  test.each(['delivered', 'exhausted', 'gone', 'pending'] as const)(
    'delivers a webhook again that is %s',
    async (status) => {
      const answered = { delivered: 200, exhausted: 500, gone: 410, pending: 500 }[status];
      const attempts = Array.from({ length: status === 'exhausted' ? 10 : 1 }, () => ({
        at: NOW - SECONDS,
        durationMs: 5,
        status: answered,
      }));
      const { attempt, kept, ports } = setUp({ status, attempts, nextAt: NOW + HOURS });
      expect(await redeliver(ports, actForTenant('acme'), { run: RUN, n: 1 })).toMatchObject({
        status: 'pending',
        nextAt: NOW,
      });
      expect(ports.queues.deliveries).toEqual([{ run: RUN, n: 1, tenant: 'acme' }]);
      expect(await attempt()).toBe('delivered');
      expect(kept.delivery.attempts.at(-1)).toMatchObject({ manual: true, status: 200 });
    },
  );

  test('by hand does not use up the schedule', async () => {
    const attempts = [{ at: NOW - SECONDS, durationMs: 5, status: 500 }];
    const { attempt, kept, ports } = setUp({ attempts, nextAt: NOW + SECONDS });
    inbox.answerWith({ status: 500 });
    await redeliver(ports, actForTenant('acme'), { run: RUN, n: 1 });
    expect(await attempt()).toBe('pending');
    expect(kept.delivery.nextAt).toBe(NOW + 2 * SECONDS);
    ports.clock.advance(2 * SECONDS);
    await attempt();
    expect(kept.delivery.attempts.map((it) => it.manual ?? false)).toEqual([false, true, false]);
  });

  test('of a used-up schedule that fails again ends as it was', async () => {
    const attempts = Array.from({ length: 10 }, () => ({ at: NOW - SECONDS, durationMs: 5, status: 500 }));
    const { attempt, ports } = setUp({ status: 'exhausted', attempts });
    inbox.answerWith({ status: 500 });
    await redeliver(ports, actForTenant('acme'), { run: RUN, n: 1 });
    expect(await attempt()).toBe('exhausted');
  });

  test('waits for the run to end', async () => {
    const { ports } = setUp({}, { status: 'running' });
    await expect(redeliver(ports, actForTenant('acme'), { run: RUN, n: 1 })).rejects.toMatchObject({
      code: 'run-not-settled',
      status: 409,
    });
    expect(ports.queues.deliveries).toEqual([]);
  });

  test.each([
    ["another tenant's run", 'other', { run: RUN, n: 1 }, 'run-not-found'],
    ['an unknown run', 'acme', { run: 'nope', n: 1 }, 'run-not-found'],
    ['an unknown webhook', 'acme', { run: RUN, n: 2 }, 'not-found'],
  ])('of %s is refused', async (_, tenant, webhook, code) => {
    const { ports } = setUp();
    await expect(redeliver(ports, actForTenant(tenant), webhook)).rejects.toMatchObject({ code, status: 404 });
    expect(ports.queues.deliveries).toEqual([]);
  });
});

function strings(message: WebhookInbox['messages'][number] | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(message?.headers ?? {}).map(([name, value]) => [name, String(value)]));
}
