// Flows within flows: a parent that waits holds nothing, its children have its priority, and no child outlives its use.

import { beforeEach, describe, expect, test } from 'vitest';
import { actForTenant } from '../../lambdas/core/access/run-access.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import { runInline } from '../../lambdas/core/api/run-inline.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import type { Tenant } from '../../lambdas/core/ports/catalog.ts';
import type { RunStore } from '../../lambdas/core/ports/runs.ts';
import { isSettled, type Run } from '../../lambdas/core/run.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { drive, pass, throughTime } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { call, callable, set } from '../support/small-flows.ts';

const buildFlow = (name: string, nodes: object, outputs: object = {}) =>
  JSON.stringify({ flow: 1, name, nodes, outputs });
const sub = (more: object = {}, inputs: object = {}) => ({ type: 'flow', ...more, with: { name: 'below', ...inputs } });
const ASK = { type: 'callback', with: { message: 'Well?' } };

let platform: MemoryPlatform;
let calls: JsonObject[];
beforeEach(async () => {
  calls = [];
  platform = await makePlatform({ functions: callable(calls, () => platform) });
});

async function limit(limits: Partial<Tenant['limits']>): Promise<void> {
  const tenant = (await platform.ports.tenants.tenant('acme')) as Tenant;
  await platform.ports.tenants.putTenant({ ...tenant, limits: { ...tenant.limits, ...limits } });
}

const work = ({ id }: Pick<Run, 'id'>, runs: Partial<RunStore> = {}) => {
  const { ports, clock } = platform;
  const its = { ...ports, runs: { ...ports.runs, ...runs } };
  return throughTime(clock, workRun(its, { runId: id, budgetUntil: clock.now() + 90_000 }));
};
const children = (): Run[] => [...platform.runs.runs.values()].flatMap(({ run }) => (run.parent ? [run] : []));
const onlyChild = (): Run => {
  const [child, ...others] = children();
  if (!child || others.length > 0) throw new Error(`${children().length} children`);
  return child;
};
const read = async (run: Pick<Run, 'id'>) => (await platform.runs.get(run.id)) as Run;
async function sweepLater(ms: number): Promise<void> {
  await pass(platform.clock, ms);
  await throughTime(platform.clock, sweep(platform.ports, { untilMs: platform.clock.now() + 1_000 }));
}

describe('a parent that waits for a child', () => {
  test('leaves its slice and its slot at once: one slot is enough for both', async () => {
    await limit({ concurrency: 1 });
    await platform.publish(buildFlow('below', { a: call('a', { ms: 20 }) }, { v: '${{ $nodes.a }}' }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }, { v: '${{ $nodes.sub.v }}' }));
    const { run: ended } = await drive(platform, run.id);
    expect(ended.status).toBe('succeeded');
    expect((ended.endedAt ?? 0) - ended.createdAt).toBeLessThan(5_000);
    expect(await platform.ports.slots.occupancy('acme')).toEqual({ running: [], queued: 0, sync: [] });
  });

  test('that is a synchronous call, which holds no slot, waits where it is for a child that ends soon', async () => {
    await platform.publish(buildFlow('below', { a: set(1) }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }), { mode: 'sync' });
    const inline = runInline(platform.ports, run, { untilMs: platform.clock.now() + 600_000 });
    await pass(platform.clock, 1_000);
    await work(onlyChild());
    const ended = await throughTime(platform.clock, inline);
    expect([ended.status, ended.handoffs, (ended.endedAt ?? 0) - ended.createdAt < 5_000]).toEqual([
      'succeeded',
      0,
      true,
    ]);
  });

  test('that is a synchronous call leaves when the child takes longer', async () => {
    await platform.publish(buildFlow('below', { a: ASK }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }), { mode: 'sync' });
    const inline = runInline(platform.ports, run, { untilMs: platform.clock.now() + 600_000 });
    const left = await throughTime(platform.clock, inline);
    expect([left.status, left.waitingFor, left.handoffs]).toEqual(['waiting', 'timer', 1]);
    expect(platform.clock.now() - run.createdAt).toBeLessThan(35_000);
  });

  test('finds its end within a minute or two even if nobody said so', async () => {
    await platform.publish(buildFlow('below', { a: set(1) }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }));
    await work(run);
    await work(onlyChild(), { signal: () => Promise.reject(new Error('The store is away')) });
    expect((await read(run)).signals).toBe(0);
    const { run: ended } = await drive(platform, run.id);
    expect(ended.status).toBe('succeeded');
    expect((ended.endedAt ?? 0) - ended.createdAt).toBeLessThan(120_000);
  });
});

describe('a child', () => {
  test('has the priority of its parent', async () => {
    await platform.publish(buildFlow('below', { a: set(1) }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }), { priority: 7 });
    await work(run);
    expect(onlyChild()).toMatchObject({ priority: 7, parent: { run: run.id, path: 'sub', awaited: true } });
  });

  test('is accepted when there is room again, while its parent holds nothing', async () => {
    await limit({ concurrency: 1, queued: 1 });
    await platform.publish(buildFlow('below', { a: set(1) }, { v: '${{ $nodes.a.v }}' }));
    const nodes = { first: call('first', { ms: 1_000 }), sub: sub({ needs: 'first' }) };
    const run = await platform.accept(buildFlow('above', nodes, { v: '${{ $nodes.sub.v }}' }));
    const other = await platform.accept(buildFlow('other', { a: call('a', { ms: 500 }) }));
    platform.queues.runs.length = 0;
    const working = work(run);
    await pass(platform.clock, 250);
    await work(other);
    expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [run.id], queued: 1 });
    await working;
    expect([children(), (await read(run)).status]).toEqual([[], 'waiting']);
    expect((await platform.ports.slots.occupancy('acme')).running).toEqual([other.id]);
    const { run: ended } = await drive(platform, run.id);
    expect([ended.status, (await platform.runs.read(run.id))?.outputs]).toEqual(['succeeded', { v: 1 }]);
    expect((ended.endedAt ?? 0) - ended.createdAt).toBeLessThan(30_000);
  });

  test('for which there is no room in time times its node out', async () => {
    await limit({ queued: 0 });
    await platform.publish(buildFlow('below', { a: set(1) }));
    await limit({ queued: 10 });
    const run = await platform.accept(buildFlow('above', { sub: sub({ timeout: '40s' }) }));
    await limit({ queued: 0 });
    const { run: ended } = await drive(platform, run.id);
    expect([ended.status, ended.error]).toMatchObject(['failed', { code: 'node-timed-out', node: 'sub' }]);
    expect((ended.endedAt ?? 0) - ended.createdAt).toBeGreaterThanOrEqual(40_000);
  });

  test('of a path that is longer than a key belongs to its own run alone', async () => {
    await platform.publish(buildFlow('below', { a: set(1) }));
    const id = (letter: string) => letter.repeat(64);
    const group = (letter: string, nodes: object) => ({
      [id(letter)]: { type: 'group', with: { nodes, output: 'x' } },
    });
    const nodes = group('a', group('b', group('c', { [id('d')]: sub() })));
    const source = buildFlow('above', nodes);
    for (const run of [await platform.accept(source), await platform.accept(source)]) {
      expect((await drive(platform, run.id)).run).toMatchObject({ status: 'succeeded' });
    }
    expect(children()).toHaveLength(2);
  });

  test('of an earlier attempt answers for no later one', async () => {
    await platform.publish(buildFlow('below', { a: call('a', { fail: 1, say: 'second' }) }, { v: '${{ $nodes.a }}' }));
    const retry = { max: 1, delay: '1s', on: ['node-failed'] };
    const run = await platform.accept(buildFlow('above', { sub: sub({ retry }) }, { v: '${{ $nodes.sub.v }}' }));
    const { run: ended } = await drive(platform, run.id);
    expect([ended.status, (await platform.runs.read(run.id))?.outputs]).toEqual(['succeeded', { v: 'second' }]);
    expect(children().map(({ status }) => status)).toEqual(['failed', 'succeeded']);
    expect((ended.endedAt ?? 0) - ended.createdAt).toBeLessThan(20_000);
  });

  test('that was canceled is not taken for the one of the next attempt', async () => {
    await platform.publish(buildFlow('below', { a: ASK }));
    const retry = { max: 1, delay: '1s', on: ['node-timed-out'] };
    const run = await platform.accept(buildFlow('above', { sub: sub({ retry, timeout: '2m' }) }));
    const { run: ended } = await drive(platform, run.id);
    expect([ended.status, ended.error?.code]).toEqual(['failed', 'node-timed-out']);
    expect(children().map(({ status }) => status)).toEqual(['canceled', 'canceled']);
  });

  test('that has failed before its parent could record it is still the one of this attempt', async () => {
    await platform.publish(buildFlow('below', { a: { type: 'fail', with: { message: 'No' } } }));
    const run = await platform.accept(buildFlow('above', { sub: sub({ onError: 'continue' }) }));
    let records = 0;
    const dies: Partial<RunStore> = {
      async recordNode(...its) {
        records += 1;
        if (records === 2) throw new Error('The store is away');
        return platform.runs.recordNode(...its);
      },
    };
    await expect(work(run, dies)).rejects.toThrow('The store is away');
    await work(onlyChild());
    expect((await drive(platform, run.id)).run.status).toBe('succeeded');
    expect(children()).toHaveLength(1);
  });
});

describe('when a parent ends, what it waited for ends', () => {
  const below = buildFlow('below', { a: ASK });

  /** A parent that waits for a child that waits for somebody. */
  async function waiting(nodes: object = { sub: sub() }, asked: Parameters<MemoryPlatform['accept']>[1] = {}) {
    await platform.publish(below);
    const run = await platform.accept(buildFlow('above', nodes), asked);
    await work(run);
    await work(onlyChild());
    expect((await read(onlyChild())).status).toBe('waiting');
    return run;
  }

  test('by the failure of a sibling', async () => {
    const run = await waiting({ sub: sub(), ask: ASK, bad: { type: 'fail', needs: 'ask', with: { message: 'No' } } });
    await drive(platform, run.id);
    expect([(await read(run)).status, onlyChild().status]).toEqual(['failed', 'canceled']);
    expect((await read(run)).dueAt).toBeUndefined();
  });

  test('by the timeout of the run', async () => {
    const run = await waiting({ sub: sub() }, { timeout: '90s' });
    await sweepLater(151_000);
    expect((await read(run)).error?.code).toBe('run-expired');
    await sweepLater(61_000);
    expect(isSettled(onlyChild().status)).toBe(true);
  });

  test('by the timeout of the node, while the parent goes on', async () => {
    const run = await waiting({ sub: sub({ timeout: '2m', onError: 'continue' }), other: ASK });
    await pass(platform.clock, 121_000);
    await work(run);
    expect([(await read(run)).status, onlyChild().status]).toEqual(['waiting', 'canceled']);
  });

  test('by a cancel', async () => {
    const run = await waiting();
    await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), run.id));
    expect([(await read(run)).status, onlyChild().status]).toEqual(['canceled', 'canceled']);
    expect((await read(run)).dueAt).toBeUndefined();
  });

  test.each(['requestCancel', 'claim', 'finish'] as const)(
    'by a cancel whose process dies in the middle, at %s: the sweeper goes on',
    async (method) => {
      const run = await waiting();
      const { ports } = platform;
      const parent = run.id;
      const dying: Partial<RunStore> = {
        [method]: (id: string | Run, ...more: unknown[]) =>
          id === parent && method !== 'finish'
            ? (ports.runs[method] as (...its: unknown[]) => unknown)(id, ...more)
            : new Promise(() => {}),
      };
      void cancelRun({ ...ports, runs: { ...ports.runs, ...dying } }, actForTenant('acme'), run.id);
      await pass(platform.clock, 10_000);
      expect((await read(run)).status).toBe('canceled');
      await sweepLater(61_000);
      expect(onlyChild().status).toBe('canceled');
      expect((await read(run)).dueAt).toBeUndefined();
    },
  );

  test('even where its records cannot be read at that moment', async () => {
    const run = await waiting();
    const { ports, clock } = platform;
    const away = { ...ports, runs: { ...ports.runs, load: () => Promise.reject(new Error('The store is away')) } };
    await throughTime(clock, cancelRun(away, actForTenant('acme'), run.id));
    expect([(await read(run)).status, onlyChild().status]).toEqual(['canceled', 'waiting']);
    await sweepLater(61_000);
    expect(onlyChild().status).toBe('canceled');
  });

  test('if it has only just begun: its own worker stops it', async () => {
    await platform.publish(below);
    const run = await platform.accept(buildFlow('above', { sub: sub() }));
    await work(run);
    await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), run.id));
    expect(onlyChild().status).toBe('canceled');
  });

  test('if it is accepted after that end, by a process that came too late', async () => {
    await platform.publish(below);
    const run = await platform.accept(buildFlow('above', { sub: sub() }));
    const { promise, resolve } = Promise.withResolvers<void>();
    const late: Partial<RunStore> = {
      create: (it) => promise.then(() => platform.runs.create(it)),
    };
    const { ports, clock } = platform;
    const worker = workRun(
      { ...ports, runs: { ...ports.runs, ...late } },
      { runId: run.id, budgetUntil: clock.now() + 90_000 },
    );
    await pass(clock, 1_000);
    await throughTime(clock, cancelRun(ports, actForTenant('acme'), run.id));
    expect(children()).toEqual([]);
    resolve();
    await throughTime(clock, worker);
    await work(onlyChild());
    expect(onlyChild().status).toBe('canceled');
  });

  test('with all that is below it', async () => {
    await platform.publish(buildFlow('deep', { a: ASK }));
    await platform.publish(buildFlow('below', { sub: { type: 'flow', with: { name: 'deep' } } }));
    const run = await platform.accept(buildFlow('above', { sub: sub() }));
    await work(run);
    await work(onlyChild());
    for (const child of children()) await work(child);
    await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), run.id));
    expect(children().map(({ flow, status }) => [flow, status])).toEqual([
      ['below', 'canceled'],
      ['deep', 'canceled'],
    ]);
  });

  test('but what was detached goes on, and wakes nobody', async () => {
    await platform.publish(below);
    const run = await platform.accept(buildFlow('above', { sub: sub({}, { mode: 'detach' }), ask: ASK }));
    await work(run);
    await work(onlyChild());
    await throughTime(platform.clock, cancelRun(platform.ports, actForTenant('acme'), run.id));
    await work(onlyChild());
    expect([(await read(run)).status, onlyChild().status]).toEqual(['canceled', 'waiting']);
    expect((await read(run)).signals).toBe(0);
  });
});
