// The sweeper: what it does with each kind of run, and that it gets everything going again.

import { describe, expect, test } from 'vitest';
import type { RunStore } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { type Remedy, remedyFor, sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { buildRun } from '../support/build-run.ts';
import { pass, throughTime } from '../support/driver.ts';
import type { MemoryPlatform } from '../support/platform.ts';
import { accepted, call, set } from '../support/small-flows.ts';

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const running = { status: 'running', startedAt: NOW - MINUTE, epoch: 1 } as const;
const dead = { ...running, leaseUntil: NOW - 1 };
const waiting = { status: 'waiting', waitingFor: 'callback' } as const;

describe('the remedy for a run', () => {
  test.each<[string, Partial<Run>, Remedy]>([
    ['has ended', { status: 'succeeded', dueAt: undefined }, { do: 'nothing' }],
    ['has ended before the runs that it waited for is to end them', { status: 'failed' }, { do: 'end-children' }],
    [
      'somebody works on is to look again when the lease is over',
      { ...running, leaseUntil: NOW + 9 * SECOND },
      { do: 'look', lookAgainAt: NOW + 10 * SECOND },
    ],
    [
      'somebody works on past its deadline is the same: who works ends it',
      { ...running, leaseUntil: NOW + 9 * SECOND, deadlineAt: NOW - 1 },
      { do: 'look', lookAgainAt: NOW + 10 * SECOND },
    ],
    ['is past its deadline is to end it', { deadlineAt: NOW }, { do: 'expire' }],
    ['is past its deadline and canceled is to expire it', { deadlineAt: NOW, cancelRequested: true }, { do: 'expire' }],
    ['was canceled is to end it', { ...waiting, cancelRequested: true }, { do: 'cancel' }],
    ['has crashed its worker five times is to end it', { ...dead, crashes: 4 }, { do: 'crash' }],
    [
      'has crashed its worker four times gets one more worker',
      { ...dead, crashes: 3 },
      { do: 'enqueue', lookAgainAt: NOW + MINUTE },
    ],
    [
      'was released after a fault gets another worker',
      { ...running, crashes: 4 },
      { do: 'enqueue', lookAgainAt: NOW + MINUTE },
    ],
    [
      'shall start later is to look then',
      { startAfter: NOW + 5 * MINUTE },
      { do: 'look', lookAgainAt: NOW + 5 * MINUTE },
    ],
    ['shall have started is to enqueue it', { startAfter: NOW - 1 }, { do: 'enqueue', lookAgainAt: NOW + MINUTE }],
    ['nobody has picked up is to enqueue it', {}, { do: 'enqueue', lookAgainAt: NOW + MINUTE }],
    [
      'has queued for an hour is to enqueue it, and to look less often',
      { createdAt: NOW - HOUR },
      { do: 'enqueue', lookAgainAt: NOW + HOUR / 2 },
    ],
    [
      'has queued for eleven hours is to enqueue it, and to look every hour',
      { createdAt: NOW - 11 * HOUR },
      { do: 'enqueue', lookAgainAt: NOW + HOUR },
    ],
    [
      'has little time left is to look at its deadline',
      { deadlineAt: NOW + 20 * SECOND },
      { do: 'enqueue', lookAgainAt: NOW + 20 * SECOND },
    ],
    [
      'waits for a timer is to look when it is over',
      { ...waiting, wakeAt: NOW + 7 * MINUTE },
      { do: 'look', lookAgainAt: NOW + 7 * MINUTE },
    ],
    ['waits for somebody is to look at its deadline', waiting, { do: 'look', lookAgainAt: NOW + 24 * HOUR }],
    ['overslept its timer is to enqueue it', { ...waiting, wakeAt: NOW }, { do: 'enqueue', lookAgainAt: NOW + MINUTE }],
    [
      'has an answer that it has not seen is to enqueue it',
      { ...waiting, signals: 2, seenSignals: 1 },
      { do: 'enqueue', lookAgainAt: NOW + MINUTE },
    ],
    [
      'has seen every answer is to look at its deadline',
      { ...waiting, signals: 2, seenSignals: 2 },
      { do: 'look', lookAgainAt: NOW + 24 * HOUR },
    ],
  ])('that %s', (_, extra, remedy) => {
    const run = buildRun({ createdAt: NOW - SECOND, deadlineAt: NOW + 24 * HOUR, dueAt: NOW, ...extra });
    expect(remedyFor(run, NOW)).toEqual(remedy);
  });
});

const sweepNow = ({ ports, clock }: MemoryPlatform, runs: Partial<RunStore> = {}) =>
  sweep({ ...ports, runs: { ...ports.runs, ...runs } }, { untilMs: clock.now() + SECOND });
const worked = ({ ports, clock }: MemoryPlatform, runId: string) =>
  workRun(ports, { runId, budgetUntil: clock.now() + 90 * SECOND });

describe('a sweep', () => {
  test('does nothing twice: the second finds nothing due', async () => {
    const { platform } = await accepted({ a: set(1) });
    platform.queues.runs.length = 0;
    platform.clock.advance(31 * SECOND);
    expect(await sweepNow(platform)).toMatchObject({ runs: 1 });
    expect(await sweepNow(platform)).toMatchObject({ runs: 0 });
    expect(platform.queues.runs).toHaveLength(1);
  });

  test('takes the run of a dead worker to another one', async () => {
    const { platform, run } = await accepted({ a: call('a', { ms: 20_000 }) });
    const gone = platform.ports.runs.renew;
    platform.ports.runs.renew = () => new Promise(() => {});
    void worked(platform, run.id);
    await pass(platform.clock, 62 * SECOND);
    platform.ports.runs.renew = gone;
    platform.queues.runs.length = 0;
    await sweepNow(platform);
    expect(platform.queues.runs).toMatchObject([{ runId: run.id }]);
    await throughTime(platform.clock, worked(platform, run.id));
    expect(await platform.runs.get(run.id)).toMatchObject({ status: 'succeeded', crashes: 1 });
  });

  test('gives back slots of runs that no longer work, keeps those of runs that do, and calls who waits', async () => {
    const { platform, run } = await accepted({ a: set(1) });
    const { slots } = platform.ports;
    const now = platform.clock.now();
    for (const runId of ['ended-long-ago', run.id]) await slots.acquire({ tenant: 'acme', runId, limit: 2, now });
    await slots.enterSync({ tenant: 'acme', runId: 'gone', limit: 1, now });
    const patient = buildRun({ createdAt: now });
    await slots.enqueue(patient);
    platform.queues.runs.length = 0;
    platform.clock.advance(11 * MINUTE);
    expect(await sweepNow(platform)).toMatchObject({ tenants: 1 });
    const { running: held, ...rest } = await slots.occupancy('acme');
    expect([held.toSorted(), rest]).toEqual([[run.id, patient.id].toSorted(), { queued: 0, sync: [] }]);
    expect(platform.queues.runs.map(({ runId }) => runId)).toContain(patient.id);
  });

  test('enqueues again a run that was promoted and never came, long before it is due', async () => {
    const { platform, run } = await accepted({ a: set(1) });
    const { slots, runs } = platform.ports;
    await slots.acquire({ tenant: 'acme', runId: run.id, limit: 1, now: platform.clock.now() });
    await runs.postpone(run, platform.clock.now() + 60 * MINUTE);
    platform.queues.runs.length = 0;
    platform.clock.advance(11 * MINUTE);
    await sweepNow(platform);
    expect(platform.queues.runs).toEqual([{ runId: run.id, tenant: 'acme' }]);
  });

  test('enqueues a webhook that nobody has delivered', async () => {
    const { platform, run } = await accepted(
      { a: set(1) },
      {},
      { asked: { webhooks: [{ url: 'https://example.com' }] } },
    );
    platform.ports.queues.enqueueDeliveries = () => Promise.reject(new Error('The queue is away'));
    await throughTime(platform.clock, worked(platform, run.id));
    expect((await platform.runs.get(run.id))?.status).toBe('succeeded');
    const enqueued: unknown[] = [];
    platform.ports.queues.enqueueDeliveries = async (messages) => void enqueued.push(...messages);
    platform.clock.advance(31 * SECOND);
    await sweepNow(platform);
    expect(enqueued).toEqual([{ run: run.id, n: 1, tenant: 'acme' }]);
  });

  test('reaches what lies behind any number of runs that it cannot repair', async () => {
    const { platform, run } = await accepted({ a: set(1) });
    const { clock, queues } = platform;
    const broken = Array.from({ length: 450 }, () => buildRun({ createdAt: 1, dueAt: 1 }));
    for (const it of broken) await platform.runs.create({ run: it, inputs: {}, webhooks: [], searchable: {} });
    const ids = new Set(broken.map(({ id }) => id));
    queues.runs.length = 0;
    clock.advance(31 * SECOND);
    const get = (id: string) => (ids.has(id) ? Promise.reject(new Error('Unreadable')) : platform.runs.get(id));
    await sweepNow(platform, { get });
    expect(queues.runs).toMatchObject([{ runId: run.id }]);
  });
});
