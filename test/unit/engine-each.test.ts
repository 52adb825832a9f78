// The items of an `each` that wait: how many are open at once, in which order, and what is known of the list meanwhile.

import { describe, expect, test } from 'vitest';
import { TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { drive, pass, throughTime } from '../support/driver.ts';
import type { MemoryPlatform } from '../support/platform.ts';
import { accepted, call, ran, set } from '../support/small-flows.ts';

const LIST = '[0, 1, 2, 3, 4]';
const ask = (each: object) => ({ type: 'callback', each, with: { message: 'Well?' } });
const array = (value: string) => ({ type: 'array', value });

function openPaths({ runs }: MemoryPlatform, id: string): string[] {
  const records = [...(runs.runs.get(id)?.records.values() ?? [])];
  return records.flatMap(({ path, status, wait }) => (status === 'waiting' && wait ? [path] : [])).sort();
}

/** The paths that are open once a worker has done what can be done now. */
async function openAfterSlice(platform: MemoryPlatform, runId: string): Promise<string[]> {
  const { ports, clock } = platform;
  await throughTime(clock, workRun(ports, { runId, budgetUntil: clock.now() + 90_000 }));
  return openPaths(platform, runId);
}

async function answer(platform: MemoryPlatform, runId: string, path: string): Promise<void> {
  await signalRun(platform.ports, TOKEN_HOLDER, { runId, path, payload: { v: path } });
}

describe('items that wait', () => {
  test('keep their lanes: no more are open at once than the concurrency', async () => {
    const { platform, run } = await accepted({ all: ask({ in: LIST, concurrency: 2 }) });
    expect(await openAfterSlice(platform, run.id)).toEqual(['all[00000]', 'all[00001]']);
    await answer(platform, run.id, 'all[00001]');
    expect(await openAfterSlice(platform, run.id)).toEqual(['all[00000]', 'all[00002]']);
    await answer(platform, run.id, 'all[00000]');
    await answer(platform, run.id, 'all[00002]');
    expect(await openAfterSlice(platform, run.id)).toEqual(['all[00003]', 'all[00004]']);
  });

  test('are one at a time where nothing else is said, in order, and give their list in order', async () => {
    const { outputs, platform, run } = await ran(
      { all: { ...ask({ in: LIST }), output: '${{ $result.v }}' } },
      { v: array('${{ $nodes.all }}') },
    );
    const paths = [0, 1, 2, 3, 4].map((index) => `all[0000${index}]`);
    expect(outputs).toEqual({ v: paths });
    const records = paths.map((path) => platform.runs.runs.get(run.id)?.records.get(path));
    const times = records.map((record) => [record?.startedAt ?? 0, record?.endedAt ?? 0]);
    for (const [index, [startedAt]] of times.entries()) {
      if (index > 0) expect(startedAt).toBeGreaterThanOrEqual(times[index - 1]?.[1] ?? 0);
    }
  });

  test('count as many in a group, whatever node of it waits', async () => {
    const nodes = { first: set('${{ $item }}'), ask: { type: 'callback', needs: 'first', with: { message: 'Well?' } } };
    const all = { type: 'group', each: { in: LIST, concurrency: 2 }, with: { nodes, output: '${{ $nodes.ask.v }}' } };
    const { platform, run } = await accepted({ all }, { v: array('${{ $nodes.all }}') });
    expect(await openAfterSlice(platform, run.id)).toEqual(['all[00000].ask', 'all[00001].ask']);
    const { run: ended } = await drive(platform, run.id);
    expect(ended.status).toBe('succeeded');
  });

  test('of another release, which had more of them open, are all taken up, and nothing begins beside them', async () => {
    const { platform, run } = await accepted({ all: ask({ in: LIST, concurrency: 1 }) });
    const wait = { kind: 'callback' as const, until: platform.clock.now() + 3_600_000, notified: true };
    for (const path of ['all[00001]', 'all[00003]']) {
      const at = { type: 'callback', status: 'waiting' as const, attempts: 1, startedAt: 0, epoch: 0, seq: 1 };
      await platform.runs.recordNode(run, { ...at, path, wait });
    }
    await answer(platform, run.id, 'all[00003]');
    expect(await openAfterSlice(platform, run.id)).toEqual(['all[00001]']);
    expect(platform.runs.runs.get(run.id)?.records.get('all[00003]')?.status).toBe('succeeded');
    const { run: ended } = await drive(platform, run.id);
    expect(ended.status).toBe('succeeded');
  });

  test('pace: a wait in an item holds up the items behind it', async () => {
    const waits = { type: 'wait', each: { in: LIST }, with: { for: '2s' } };
    const { run } = await ran({ waits });
    expect((run.endedAt ?? 0) - (run.startedAt ?? 0)).toBeGreaterThanOrEqual(10_000);
    expect(run.handoffs).toBe(0);
  });

  test('hold up nobody longer than they wait, however long the items beside them work', async () => {
    const nodes = {
      delay: { type: 'wait', when: '$item = 0', with: { for: '2s' } },
      work: call(
        '${{ "item" & $item }}',
        { ms: '${{ $item = 1 ? 20000 : 1000 }}' },
        { needs: 'delay', join: 'settled' },
      ),
    };
    const all = { type: 'group', each: { in: LIST, concurrency: 2 }, with: { nodes, output: '${{ $nodes.work }}' } };
    const { platform, run } = await accepted({ all });
    const driven = drive(platform, run.id);
    await pass(platform.clock, 12_000);
    const ended = [...(platform.runs.runs.get(run.id)?.records.values() ?? [])].filter(({ type }) => type === 'lambda');
    expect(ended.map(({ path }) => path)).toEqual([0, 2, 3, 4].map((index) => `all[0000${index}].work`));
    expect((await driven).run.status).toBe('succeeded');
  });

  test('leave behind how long the list is, and the node that they are items of waits with them', async () => {
    const { platform, run, readRecord } = await accepted({ all: ask({ in: LIST, concurrency: 2 }) });
    await openAfterSlice(platform, run.id);
    expect(readRecord('all')).toMatchObject({ status: 'waiting', items: 5 });
    await drive(platform, run.id);
    expect(readRecord('all')).toMatchObject({ status: 'succeeded', items: 5 });
  });

  test('of an `each` that fails are given up with it', async () => {
    const nodes = {
      ask: { type: 'callback', when: '$item = 0', with: { message: 'Well?' } },
      boom: { type: 'fail', when: '$item = 2', with: { message: 'No' } },
    };
    const all = { type: 'group', each: { in: LIST, concurrency: 2 }, with: { nodes, output: 'x' } };
    const { run, paths } = await ran({ all }, {}, { answers: false });
    expect([run.status, run.error?.message]).toEqual(['failed', expect.stringContaining('No')]);
    expect(paths.some((path) => path.startsWith('all[00003]'))).toBe(false);
  });
});
