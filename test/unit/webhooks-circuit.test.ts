import { describe, expect, test } from 'vitest';
import { actForTenant } from '../../lambdas/core/access/run-access.ts';
import { FAILURES_TO_OPEN, MAX_OPEN_MS, makeCircuitBreaker } from '../../lambdas/core/deliver/circuit-breaker.ts';
import { deliver } from '../../lambdas/core/deliver/deliver.ts';
import { redeliver } from '../../lambdas/core/deliver/redeliver.ts';
import { WEBHOOK_SCHEDULE_SECONDS } from '../../lambdas/core/limits.ts';
import { HttpFault, type HttpRequest } from '../../lambdas/core/ports/http.ts';
import type { Delivery } from '../../lambdas/core/run.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { makePlatform } from '../support/platform.ts';

const SECONDS = 1_000;
const MINUTES = 60 * SECONDS;
const HOURS = 60 * MINUTES;
const GOOD = 'https://good.example/hook';
const HUNG = 'https://hung.example/hook';

const FLOW = `
flow: 1
name: small
nodes: { greet: { type: set, with: { values: { said: hello } } } }
outputs: { said: "\${{ $nodes.greet.said }}" }
`;

interface Attempt {
  url: string;
  at: number;
  timeoutMs: number;
}

/** Settled runs, and one worker that delivers their webhooks one after another; a hanging receiver uses the whole timeout. */
async function makeDelivery() {
  const sent: Attempt[] = [];
  const hanging = new Set<string>([HUNG]);
  const platform = await makePlatform({
    http: {
      check: () => undefined,
      async send({ url, timeoutMs }: HttpRequest) {
        const { clock } = platform;
        sent.push({ url, at: clock.now(), timeoutMs });
        if (hanging.has(url)) {
          clock.advance(timeoutMs);
          throw new HttpFault('timeout', 'did not answer in time');
        }
        return { status: 200, headers: {}, body: new Uint8Array(), truncated: false, durationMs: 1 };
      },
    },
  });
  const { clock, queues, runs } = platform;
  const ports = { ...platform.ports, circuitBreaker: makeCircuitBreaker() };
  const messages: { run: string; n: number; at: number }[] = [];
  const begun = clock.now();

  async function endRun(urls: string[]): Promise<string> {
    const run = await platform.accept(FLOW, { webhooks: urls.map((url) => ({ url })) });
    queues.runs.length = 0;
    await workRun(ports, { runId: run.id, budgetUntil: clock.now() + MINUTES });
    takeMessages();
    return run.id;
  }

  function takeMessages(): void {
    for (const { run, n, delaySeconds = 0 } of queues.deliveries.splice(0)) {
      messages.push({ run, n, at: clock.now() + delaySeconds * SECONDS });
    }
  }

  /** Handles the next queue message; true when there is none in this time. */
  async function next(withinMs: number): Promise<boolean> {
    // What is due later than the queue's longest delay is only in the due index; the sweeper enqueues it.
    for (const it of await runs.due(clock.now() + withinMs, 1_000)) {
      if (it.kind !== 'delivery' || messages.some(({ run, n }) => run === it.run && n === it.n)) continue;
      messages.push({ run: it.run, n: it.n, at: (await runs.delivery(it.run, it.n))?.nextAt ?? 0 });
    }
    messages.sort((a, b) => a.at - b.at);
    const message = messages.shift();
    if (!message) return true;
    clock.advance(Math.max(0, message.at - clock.now()));
    await deliver(ports, message);
    takeMessages();
    return false;
  }

  /** Until nothing is left to deliver, or this time has passed. */
  async function work(forMs: number): Promise<void> {
    const until = clock.now() + forMs;
    while (clock.now() < until) if (await next(forMs)) return;
  }

  const delivery = async (run: string, n = 1) => (await runs.delivery(run, n)) as Delivery;
  return { ports, clock, queues, begun, sent, hanging, endRun, work, delivery };
}

describe('a receiver that does not answer', () => {
  test('delays other receivers by no more than its first attempts take', async () => {
    const { sent, endRun, work, begun } = await makeDelivery();
    for (let n = 0; n < 40; n += 1) await endRun(Array.from({ length: 5 }, () => HUNG));
    for (let n = 0; n < 10; n += 1) await endRun([GOOD]);
    await work(2 * MINUTES);
    const good = sent.filter(({ url }) => url === GOOD);
    expect(good).toHaveLength(10);
    // 200 attempts at 15 s each would have come first: 50 minutes.
    expect(Math.max(...good.map(({ at }) => at)) - begun).toBeLessThanOrEqual((FAILURES_TO_OPEN + 1) * 15 * SECONDS);
  });

  test('still gets ten attempts: none before its schedule, each at most ten minutes late', async () => {
    const { endRun, work, delivery, sent, begun } = await makeDelivery();
    const runs: string[] = [];
    for (let n = 0; n < 6; n += 1) runs.push(await endRun(Array.from({ length: 5 }, () => HUNG)));
    await work(60 * HOURS);
    for (const run of runs) {
      for (const n of [1, 2, 3, 4, 5]) {
        const { status, attempts } = await delivery(run, n);
        expect(status).toBe('exhausted');
        expect(attempts).toHaveLength(WEBHOOK_SCHEDULE_SECONDS.length);
        attempts.forEach(({ at }, index) => {
          const before = attempts[index - 1];
          const planned =
            (before ? before.at + before.durationMs : begun) + (WEBHOOK_SCHEDULE_SECONDS[index] ?? 0) * SECONDS;
          expect(at).toBeGreaterThanOrEqual(planned - SECONDS);
          const jitter = (WEBHOOK_SCHEDULE_SECONDS[index] ?? 0) * SECONDS * 0.1;
          // The one worker of this test may be busy with the other 29.
          expect(at - planned - jitter).toBeLessThanOrEqual(10 * MINUTES + 30 * 15 * SECONDS);
        });
      }
    }
    const short = sent.filter(({ timeoutMs }) => timeoutMs < 15 * SECONDS);
    expect(short.length, 'most of them use a worker for a moment only').toBeGreaterThan(sent.length / 2);
  });

  test('gets all its webhooks after it has recovered', async () => {
    const { endRun, work, delivery, hanging, clock } = await makeDelivery();
    const runs: string[] = [];
    for (let n = 0; n < 10; n += 1) runs.push(await endRun(Array.from({ length: 5 }, () => HUNG)));
    await work(10 * MINUTES);
    hanging.clear();
    const back = clock.now();
    await work(2 * HOURS);
    for (const run of runs) {
      for (const n of [1, 2, 3, 4, 5]) expect(await delivery(run, n)).toMatchObject({ status: 'delivered' });
    }
    const last = (await Promise.all(runs.map((run) => delivery(run)))).map(({ attempts }) => attempts.at(-1)?.at ?? 0);
    expect(Math.max(...last) - back, 'the next attempt on schedule, not later').toBeLessThanOrEqual(
      HOURS * 1.1 + 10 * MINUTES,
    );
  });

  test('gets an attempt at once, with the full timeout, when somebody asks for it by hand', async () => {
    const { ports, endRun, work, sent, delivery, hanging } = await makeDelivery();
    const run = await endRun([HUNG]);
    for (let n = 0; n < 4; n += 1) await endRun([HUNG]);
    await work(SECONDS);
    expect(await delivery(run)).toMatchObject({ attempts: [{ error: expect.stringContaining('timeout') }] });
    hanging.clear();
    await redeliver(ports, actForTenant('acme'), { run, n: 1 });
    expect(await deliver(ports, { run, n: 1 })).toBe('delivered');
    expect(sent.at(-1)?.timeoutMs).toBe(15_000);
  });

  test('has one queue message for each webhook, however many arrive while it is deferred', async () => {
    const { endRun, work, ports, delivery, queues } = await makeDelivery();
    for (let n = 0; n < FAILURES_TO_OPEN; n += 1) await endRun([HUNG]);
    await work(FAILURES_TO_OPEN * 15 * SECONDS);
    const run = await endRun([HUNG]);
    const outcomes = [await deliver(ports, { run, n: 1 }), await deliver(ports, { run, n: 1 })];
    expect(outcomes).toEqual(['deferred', 'skipped']);
    expect(queues.deliveries).toMatchObject([{ run, n: 1 }]);
    expect(await delivery(run)).toMatchObject({ status: 'pending', attempts: [] });
  });
});

describe('the circuit breaker', () => {
  const to = (url: string, tenant = 'acme'): Delivery => ({
    run: 'r',
    n: 1,
    method: 'POST',
    status: 'pending',
    attempts: [],
    tenant,
    url,
  });
  const failing = (times: number, now = 0, delivery = to(HUNG)) => {
    const breaker = makeCircuitBreaker();
    for (let n = 0; n < times; n += 1) breaker.recordFailure(delivery, now);
    return breaker;
  };

  test('stays closed until five failures in a row', () => {
    expect(failing(FAILURES_TO_OPEN - 1).openUntil(to(HUNG), 0)).toBeUndefined();
    expect(failing(FAILURES_TO_OPEN).openUntil(to(HUNG), 0)).toBe(5_000);
  });

  test('resets its failures as soon as an answer comes', () => {
    const breaker = failing(FAILURES_TO_OPEN - 1);
    breaker.recordSuccess(to(HUNG));
    breaker.recordFailure(to(HUNG), 0);
    expect(breaker.openUntil(to(HUNG), 0)).toBeUndefined();
  });

  test('is half-open after its time: lets one attempt through, and the others after a success', () => {
    const breaker = failing(FAILURES_TO_OPEN);
    expect(breaker.openUntil(to(HUNG), 5_000)).toBeUndefined();
    expect(breaker.openUntil(to(HUNG), 5_000)).toBe(21_000);
    breaker.recordSuccess(to(HUNG));
    expect(breaker.openUntil(to(HUNG), 5_000)).toBeUndefined();
    expect(breaker.openUntil(to(HUNG), 5_000)).toBeUndefined();
  });

  test('lets the next attempt through where the probe never reports back', () => {
    const breaker = failing(FAILURES_TO_OPEN);
    breaker.openUntil(to(HUNG), 5_000);
    expect(breaker.openUntil(to(HUNG), 21_000)).toBeUndefined();
  });

  test('stays open twice as long after every failed probe, up to two minutes', () => {
    const breaker = failing(FAILURES_TO_OPEN);
    const times: number[] = [];
    let now = 5_000;
    for (let n = 0; n < 7; n += 1) {
      breaker.openUntil(to(HUNG), now);
      breaker.recordFailure(to(HUNG), now);
      const until = breaker.openUntil(to(HUNG), now) ?? 0;
      times.push(until - now);
      now = until;
    }
    expect(times).toEqual([10_000, 20_000, 40_000, 80_000, MAX_OPEN_MS, MAX_OPEN_MS, MAX_OPEN_MS]);
  });

  test('stays open no longer for attempts that were under way when it opened', () => {
    expect(failing(10 * FAILURES_TO_OPEN).openUntil(to(HUNG), 0)).toBe(5_000);
  });

  test('is one for each tenant and server: no tenant defers deliveries of another, and a path has no circuit of its own', () => {
    const breaker = failing(FAILURES_TO_OPEN);
    expect(breaker.openUntil(to('https://hung.example/other?x=1'), 0)).toBe(5_000);
    expect(breaker.openUntil(to('https://hung.example:8443/hook'), 0)).toBeUndefined();
    expect(breaker.openUntil(to(HUNG, 'other'), 0)).toBeUndefined();
    expect(breaker.openUntil(to(GOOD), 0)).toBeUndefined();
  });

  test('is removed when there are too many: the oldest first', () => {
    const breaker = failing(FAILURES_TO_OPEN);
    for (let n = 0; n < 999; n += 1) breaker.recordFailure(to(`https://h${n}.example/`), 0);
    expect(breaker.openUntil(to(HUNG), 0)).toBe(5_000);
    breaker.recordFailure(to('https://last.example/'), 0);
    expect(breaker.openUntil(to(HUNG), 0)).toBeUndefined();
  });
});
