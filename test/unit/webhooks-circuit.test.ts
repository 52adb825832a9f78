import { describe, expect, test } from 'vitest';
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

interface Told {
  url: string;
  at: number;
  timeoutMs: number;
}

/** Ended runs, and one worker that tells their webhooks one after another; who hangs takes all of its time. */
async function mailroom() {
  const told: Told[] = [];
  const hanging = new Set<string>([HUNG]);
  const platform = await makePlatform({
    http: {
      check: () => undefined,
      async send({ url, timeoutMs }: HttpRequest) {
        const { clock } = platform;
        told.push({ url, at: clock.now(), timeoutMs });
        if (hanging.has(url)) {
          clock.advance(timeoutMs);
          throw new HttpFault('timeout', 'gave no complete answer in time');
        }
        return { status: 200, headers: {}, body: new Uint8Array(), truncated: false, durationMs: 1 };
      },
    },
  });
  const { clock, queues, runs } = platform;
  const ports = { ...platform.ports, circuits: makeCircuitBreaker() };
  const rings: { run: string; n: number; at: number }[] = [];
  const begun = clock.now();

  async function endRun(urls: string[]): Promise<string> {
    const run = await platform.accept(FLOW, { webhooks: urls.map((url) => ({ url })) });
    queues.runs.length = 0;
    await workRun(ports, { runId: run.id, budgetUntil: clock.now() + MINUTES });
    takeRings();
    return run.id;
  }

  function takeRings(): void {
    for (const { run, n, delaySeconds = 0 } of queues.deliveries.splice(0)) {
      rings.push({ run, n, at: clock.now() + delaySeconds * SECONDS });
    }
  }

  /** Answers the doorbell that rings next; true when there was none for this long. */
  async function next(withinMs: number): Promise<boolean> {
    // What is due later than the queue can wait stands in the due index; the sweeper rings it.
    for (const it of await runs.due(clock.now() + withinMs, 1_000)) {
      if (it.kind !== 'delivery' || rings.some(({ run, n }) => run === it.run && n === it.n)) continue;
      rings.push({ run: it.run, n: it.n, at: (await runs.delivery(it.run, it.n))?.nextAt ?? 0 });
    }
    rings.sort((a, b) => a.at - b.at);
    const ring = rings.shift();
    if (!ring) return true;
    clock.advance(Math.max(0, ring.at - clock.now()));
    await deliver(ports, ring);
    takeRings();
    return false;
  }

  /** Until nothing is left to be told, or this time has passed. */
  async function work(forMs: number): Promise<void> {
    const until = clock.now() + forMs;
    while (clock.now() < until) if (await next(forMs)) return;
  }

  const delivery = async (run: string, n = 1) => (await runs.delivery(run, n)) as Delivery;
  return { ports, clock, queues, begun, told, hanging, endRun, work, delivery };
}

describe('a receiver that does not answer', () => {
  test('delays nobody else by more than it takes to find out', async () => {
    const { told, endRun, work, begun } = await mailroom();
    for (let n = 0; n < 40; n += 1) await endRun(Array.from({ length: 5 }, () => HUNG));
    for (let n = 0; n < 10; n += 1) await endRun([GOOD]);
    await work(2 * MINUTES);
    const good = told.filter(({ url }) => url === GOOD);
    expect(good).toHaveLength(10);
    // 200 attempts at 15 s each would have come first: 50 minutes.
    expect(Math.max(...good.map(({ at }) => at)) - begun).toBeLessThanOrEqual((FAILURES_TO_OPEN + 1) * 15 * SECONDS);
  });

  test('is tried as often as ever: ten attempts, none earlier than on schedule, each at most ten minutes late', async () => {
    const { endRun, work, delivery, told, begun } = await mailroom();
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
    const hurried = told.filter(({ timeoutMs }) => timeoutMs < 15 * SECONDS);
    expect(hurried.length, 'most of them take a worker for a moment only').toBeGreaterThan(told.length / 2);
  });

  test('is told everything once it is back', async () => {
    const { endRun, work, delivery, hanging, clock } = await mailroom();
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

  test('is asked at once, and patiently, when somebody asks by hand', async () => {
    const { ports, endRun, work, told, delivery, hanging } = await mailroom();
    const run = await endRun([HUNG]);
    for (let n = 0; n < 4; n += 1) await endRun([HUNG]);
    await work(SECONDS);
    expect(await delivery(run)).toMatchObject({ attempts: [{ error: expect.stringContaining('timeout') }] });
    hanging.clear();
    await redeliver(ports, 'acme', { run, n: 1 });
    expect(await deliver(ports, { run, n: 1 })).toBe('delivered');
    expect(told.at(-1)?.timeoutMs).toBe(15_000);
  });

  test('has one doorbell for each webhook, however many ring while it is put off', async () => {
    const { endRun, work, ports, delivery, queues } = await mailroom();
    for (let n = 0; n < FAILURES_TO_OPEN; n += 1) await endRun([HUNG]);
    await work(FAILURES_TO_OPEN * 15 * SECONDS);
    const run = await endRun([HUNG]);
    const outcomes = [await deliver(ports, { run, n: 1 }), await deliver(ports, { run, n: 1 })];
    expect(outcomes).toEqual(['put-off', 'skipped']);
    expect(queues.deliveries).toMatchObject([{ run, n: 1 }]);
    expect(await delivery(run)).toMatchObject({ status: 'pending', attempts: [] });
  });
});

describe('a circuit', () => {
  const to = (url: string, tenant = 'acme'): Delivery => ({
    run: 'r',
    n: 1,
    method: 'POST',
    status: 'pending',
    attempts: [],
    tenant,
    url,
  });
  const missing = (times: number, now = 0, delivery = to(HUNG)) => {
    const circuits = makeCircuitBreaker();
    for (let n = 0; n < times; n += 1) circuits.recordFailure(delivery, now);
    return circuits;
  };

  test('lets everybody through until five in a row were missed', () => {
    expect(missing(FAILURES_TO_OPEN - 1).openUntil(to(HUNG), 0)).toBeUndefined();
    expect(missing(FAILURES_TO_OPEN).openUntil(to(HUNG), 0)).toBe(5_000);
  });

  test('forgets what was missed as soon as an answer comes', () => {
    const circuits = missing(FAILURES_TO_OPEN - 1);
    circuits.recordSuccess(to(HUNG));
    circuits.recordFailure(to(HUNG), 0);
    expect(circuits.openUntil(to(HUNG), 0)).toBeUndefined();
  });

  test('after its rest lets one through, and the others when that one was answered', () => {
    const circuits = missing(FAILURES_TO_OPEN);
    expect(circuits.openUntil(to(HUNG), 5_000)).toBeUndefined();
    expect(circuits.openUntil(to(HUNG), 5_000)).toBe(21_000);
    circuits.recordSuccess(to(HUNG));
    expect(circuits.openUntil(to(HUNG), 5_000)).toBeUndefined();
    expect(circuits.openUntil(to(HUNG), 5_000)).toBeUndefined();
  });

  test('lets the next one through where that one never tells', () => {
    const circuits = missing(FAILURES_TO_OPEN);
    circuits.openUntil(to(HUNG), 5_000);
    expect(circuits.openUntil(to(HUNG), 21_000)).toBeUndefined();
  });

  test('rests twice as long after every probe that was missed, up to two minutes', () => {
    const circuits = missing(FAILURES_TO_OPEN);
    const rests: number[] = [];
    let now = 5_000;
    for (let n = 0; n < 7; n += 1) {
      circuits.openUntil(to(HUNG), now);
      circuits.recordFailure(to(HUNG), now);
      const until = circuits.openUntil(to(HUNG), now) ?? 0;
      rests.push(until - now);
      now = until;
    }
    expect(rests).toEqual([10_000, 20_000, 40_000, 80_000, MAX_OPEN_MS, MAX_OPEN_MS, MAX_OPEN_MS]);
  });

  test('rests no longer for those that were under way when it began', () => {
    expect(missing(10 * FAILURES_TO_OPEN).openUntil(to(HUNG), 0)).toBe(5_000);
  });

  test('is one for each tenant and server: no tenant puts off what another tells, and no path another', () => {
    const circuits = missing(FAILURES_TO_OPEN);
    expect(circuits.openUntil(to('https://hung.example/other?x=1'), 0)).toBe(5_000);
    expect(circuits.openUntil(to('https://hung.example:8443/hook'), 0)).toBeUndefined();
    expect(circuits.openUntil(to(HUNG, 'other'), 0)).toBeUndefined();
    expect(circuits.openUntil(to(GOOD), 0)).toBeUndefined();
  });

  test('is forgotten when there are too many: the oldest first', () => {
    const circuits = missing(FAILURES_TO_OPEN);
    for (let n = 0; n < 999; n += 1) circuits.recordFailure(to(`https://h${n}.example/`), 0);
    expect(circuits.openUntil(to(HUNG), 0)).toBe(5_000);
    circuits.recordFailure(to('https://last.example/'), 0);
    expect(circuits.openUntil(to(HUNG), 0)).toBeUndefined();
  });
});
