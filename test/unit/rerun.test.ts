// Running a run again: what is reused, from which node, and only with the definition that made it.

import { describe, expect, test } from 'vitest';
import type { Rerun } from '../../lambdas/core/api/rerun.ts';
import { rerun } from '../../lambdas/core/api/rerun.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { drive } from '../support/driver.ts';
import type { MemoryPlatform } from '../support/platform.ts';
import { call, ran, set } from '../support/small-flows.ts';

async function again({ ports }: MemoryPlatform, run: Pick<Run, 'id'>, asked: Rerun): Promise<Run> {
  const tenant = await ports.tenants.tenant('acme');
  if (!tenant) throw new Error('no tenant');
  const key = { id: 'k', tenant: 'acme', dialect: 'native', scopes: ['run' as const], createdAt: 0 } as const;
  return rerun(
    ports,
    { tenant, key: { ...key, scopes: ['run'] }, origin: 'https://errand.example.com' },
    run.id,
    asked,
  );
}

const source = (nodes: object, outputs: object = {}) => JSON.stringify({ flow: 1, name: 'probe', nodes, outputs });

describe('from a node', () => {
  const NODES = {
    a: call('a'),
    b: call('b', {}, { needs: 'a' }),
    list: { type: 'lambda', each: '[1, 2]', needs: 'b', with: { function: 'work', payload: { name: 'item' } } },
    group: {
      type: 'group',
      with: { nodes: { in: call('in', { at: '${{ $nodes.b }}' }) }, output: '${{ $nodes.in }}' },
    },
    beside: call('beside', {}, { needs: 'a' }),
    broken: call('broken', { fail: 9 }, { onError: 'continue' }),
    last: set('${{ [$nodes.group, $nodes.beside] }}'),
  };
  const names = (calls: object[]) => calls.map((it) => (it as { name: string }).name).sort();

  test('runs it and what depends on it, also inside groups, and reuses everything else', async () => {
    const { platform, run, calls } = await ran(NODES, { v: '${{ $nodes.last.v }}' });
    expect([run.status, names(calls)]).toEqual(['succeeded', ['a', 'b', 'beside', 'broken', 'in', 'item', 'item']]);
    calls.length = 0;
    const fresh = await again(platform, run, { from: 'b' });
    const { run: ended } = await drive(platform, fresh.id);
    expect([ended.status, ended.rerunOf]).toEqual(['succeeded', { run: run.id, from: 'b' }]);
    expect(names(calls)).toEqual(['b', 'in', 'item', 'item']);
  });

  test('of a rerun keeps to what each of them was asked to run again', async () => {
    const { platform, run, calls } = await ran(NODES);
    const second = (await drive(platform, (await again(platform, run, { from: 'beside' })).id)).run;
    calls.length = 0;
    const third = (await drive(platform, (await again(platform, second, { from: 'list' })).id)).run;
    expect([third.status, names(calls)]).toEqual(['succeeded', ['item', 'item']]);
  });

  test('runs what had failed elsewhere, too', async () => {
    const nodes = { a: call('a'), bad: call('bad', { fail: 1 }, { needs: 'a' }), c: call('c') };
    const { platform, run, calls } = await ran(nodes);
    expect(run.status).toBe('failed');
    const before = calls.length;
    const { run: ended } = await drive(platform, (await again(platform, run, { from: 'c' })).id);
    expect([ended.status, names(calls.slice(before))]).toEqual(['succeeded', ['bad', 'c']]);
  });

  test.each([
    ['nobody', "must be start, failed or a node of the flow: there is no node 'nobody'"],
    ['gruop', "(did you mean 'group'?)"],
    ['in', "node 'in' is inside 'group': use 'group'"],
    ['group.in', "there is no node 'group.in'"],
  ])('refuses %o, by name, and starts nothing', async (from, message) => {
    const { platform, run } = await ran(NODES);
    await expect(again(platform, run, { from })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(message),
      details: [{ field: 'from' }],
    });
    expect(platform.runs.runs.size).toBe(1);
  });

  test('is for the version that made the results', async () => {
    const { platform, run } = await ran(NODES);
    await expect(again(platform, run, { from: 'b', version: 'latest' })).rejects.toMatchObject({
      details: [{ field: 'version' }],
    });
  });
});

describe('of a run of the draft', () => {
  const nodes = (say: string) => ({ a: call('a', { say }), b: call('b', { fail: 1 }, { needs: 'a' }) });
  const begin = () => ran(nodes('old'), {}, { asked: { draft: true } });

  test('reuses the results while the draft is the same', async () => {
    const { platform, run, calls } = await begin();
    const { run: ended } = await drive(platform, (await again(platform, run, { from: 'failed' })).id);
    expect([ended.status, ended.env, calls.length]).toEqual(['succeeded', 'debug', 3]);
  });

  test.each(['failed', 'b'])('is refused from %s when the draft has changed, and runs from the start', async (from) => {
    const { platform, run, calls } = await begin();
    await platform.publish(source(nodes('new')));
    await expect(again(platform, run, { from })).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('the draft has changed'),
      details: [{ field: 'from' }],
    });
    expect(platform.runs.runs.size).toBe(1);
    const { run: ended } = await drive(platform, (await again(platform, run, { from: 'start' })).id);
    expect([ended.status, calls.length]).toEqual(['succeeded', 4]);
  });

  test('reuses nothing where the draft changes in the same moment', async () => {
    const { platform, run, calls } = await begin();
    const { ports } = platform;
    const { create } = ports.runs;
    const late: MemoryPlatform = {
      ...platform,
      ports: {
        ...ports,
        runs: { ...ports.runs, create: (it) => create({ ...it, run: { ...it.run, digest: other } }) },
      },
    };
    await platform.publish(source(nodes('new')));
    const other = (await ports.flows.get('acme', 'probe'))?.latest?.digest ?? '';
    await platform.publish(source(nodes('old')));
    const { run: ended } = await drive(platform, (await again(late, run, { from: 'failed' })).id);
    expect([ended.status, calls.length]).toEqual(['succeeded', 4]);
  });
});
