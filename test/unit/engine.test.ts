// The engine on a platform in memory: the real core from accept to settle, with a clock that is moved by hand.

import { describe, expect, test } from 'vitest';
import { actForTenant } from '../../lambdas/core/access/run-access.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import { rerun } from '../../lambdas/core/api/rerun.ts';
import { ApiError } from '../../lambdas/core/errors.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { loadRecords } from '../../lambdas/core/runs/reuse.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { drive } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { call, callable, ran, set } from '../support/small-flows.ts';

describe('a node', () => {
  test('waits for everything that it mentions, and runs beside what it does not', async () => {
    const { outputs, calls } = await ran(
      { slow: call('slow', { ms: 5_000, say: 'a' }), fast: call('fast'), last: set('${{ $nodes.slow }}!') },
      { v: '${{ $nodes.last.v }}' },
    );
    expect(calls.map(({ name }) => name).sort()).toEqual(['fast', 'slow']);
    expect(outputs).toEqual({ v: 'a!' });
  });

  test('is skipped when its `when` is false, and reads as null', async () => {
    const { outputs, paths } = await ran(
      { no: set(1, { when: '1 > 2' }), after: set('${{ $nodes.no }}', { join: 'settled' }) },
      { v: '${{ $nodes.after.v }}', s: '${{ $status.no }}' },
    );
    expect([outputs, paths]).toEqual([{ v: null, s: 'skipped' }, ['after']]);
  });

  test.each([
    ['all', 'skipped'],
    ['any', 'succeeded'],
    ['settled', 'succeeded'],
  ])('with join %s and one of two needs skipped is %s', async (join, status) => {
    const nodes = { yes: set(1), no: set(2, { when: 'false' }), it: set(3, { needs: ['yes', 'no'], join }) };
    expect((await ran(nodes, { s: '${{ $status.it }}' })).outputs).toEqual({ s: status });
  });

  test('runs on the branch that was taken, and on no other', async () => {
    const nodes = {
      pick: {
        type: 'switch',
        with: {
          cases: [
            { id: 'big', when: '10 > 5' },
            { id: 'small', when: '10 < 5' },
          ],
        },
      },
      a: set('big', { needs: 'pick:big' }),
      b: set('small', { needs: 'pick:small' }),
      end: { type: 'first', with: { values: ['${{ $nodes.b.v }}', '${{ $nodes.a.v }}'] } },
    };
    expect((await ran(nodes, { v: '${{ $nodes.end }}' })).outputs).toEqual({ v: 'big' });
  });

  test('has its output reshaped before it is recorded', async () => {
    const { platform, run } = await ran({
      a: call('a', { say: 'long' }, { output: { n: '${{ $length($result) }}' } }),
    });
    expect(platform.runs.runs.get(run.id)?.records.get('a')?.output).toEqual({ n: 4 });
  });
});

describe('each', () => {
  test('gives the list in order, whatever takes longest, and stays within its concurrency', async () => {
    let now = 0;
    let most = 0;
    const functions: Functions = {
      async invoke({ payload }) {
        now += 1;
        most = Math.max(most, now);
        await platform.clock.sleep(1_000 * (4 - Number((payload as { n: number }).n)));
        now -= 1;
        return { kind: 'answer', payload: (payload as { n: number }).n };
      },
    };
    const platform: MemoryPlatform = await makePlatform({ functions });
    const source = {
      flow: 1,
      name: 'probe',
      nodes: {
        all: {
          type: 'lambda',
          each: { in: '[1, 2, 3]', concurrency: 2 },
          with: { function: 'f', payload: { n: '${{ $item }}' } },
        },
      },
      outputs: { v: { type: 'array', value: '${{ $nodes.all }}' } },
    };
    const { id } = await platform.accept(JSON.stringify(source));
    await drive(platform, id);
    expect([(await platform.runs.read(id))?.outputs, most]).toEqual([{ v: [1, 2, 3] }, 2]);
  });

  test('of nothing gives an empty list', async () => {
    expect(
      (await ran({ all: set('${{ $item }}', { each: '[]' }) }, { v: { type: 'array', value: '${{ $nodes.all }}' } }))
        .outputs,
    ).toEqual({ v: [] });
  });

  test.each([
    ['fail', 'failed', undefined],
    ['null', 'succeeded', [1, null, 3]],
    ['skip', 'succeeded', [1, 3]],
  ])('with onItemError %s', async (onItemError, status, list) => {
    const nodes = {
      all: {
        type: 'switch',
        each: { in: '[1, 2, 3]', onItemError },
        with: { cases: [{ id: 'x', when: '$item = 2 ? $number("two") = 1 : true' }] },
        output: '${{ $item }}',
      },
    };
    const { run, outputs } = await ran(nodes, { v: { type: 'array', value: '${{ $nodes.all }}' } });
    expect([run.status, (outputs as JsonObject | null)?.['v']]).toEqual([status, list]);
  });

  test('of groups of lists gives lists of lists, or one list when flattened', async () => {
    const inner = { ...set('${{ $item }}', { each: '[$item * 10, $item * 10 + 1]' }), output: '${{ $result.v }}' };
    const group = (flatten: boolean) => ({
      type: 'group',
      each: { in: '[1, 2]', flatten, concurrency: 2 },
      with: { nodes: { inner }, output: '${{ $nodes.inner }}' },
    });
    const array = (value: string) => ({ type: 'array', value });
    const { outputs, paths } = await ran(
      { deep: group(false), flat: group(true) },
      { deep: array('${{ $nodes.deep }}'), flat: array('${{ $nodes.flat }}') },
    );
    expect(outputs).toEqual({
      deep: [
        [10, 11],
        [20, 21],
      ],
      flat: [10, 11, 20, 21],
    });
    expect(paths).toContain('deep[00001].inner[00000]');
  });

  test('fails with its first failed item, even while other items wait for somebody', async () => {
    const nodes = {
      ask: { type: 'callback', when: '$item = 1', with: { message: 'Well?' } },
      boom: { type: 'fail', when: '$item = 2', with: { message: 'No' } },
    };
    const all = { type: 'group', each: { in: '[1, 2]', concurrency: 2 }, with: { nodes, output: 'x' } };
    const { run } = await ran({ all });
    expect([run.status, run.error, run.handoffs]).toMatchObject([
      'failed',
      { node: 'all', message: expect.stringContaining('No') },
      0,
    ]);
  });

  test('refuses more items than its max', async () => {
    const { run } = await ran({ all: set(1, { each: { in: '[1, 2, 3]', max: 2 } }) });
    expect(run.error).toMatchObject({ node: 'all', message: expect.stringContaining('more than its max of 2') });
  });
});

describe('a failure', () => {
  const broken = (more: object = {}) => call('a', { fail: 9 }, more);

  test('ends the run and names the node', async () => {
    const { run } = await ran({ a: broken(), b: set('${{ $nodes.a }}') });
    expect([run.status, run.error]).toMatchObject([
      'failed',
      { node: 'a', message: expect.stringContaining('It broke') },
    ]);
  });

  test('is tried again as often as the node says', async () => {
    const { run, calls } = await ran({ a: call('a', { fail: 2, say: 'ok' }, { retry: { max: 2, delay: '1s' } }) });
    expect([run.status, calls.length]).toEqual(['succeeded', 3]);
  });

  test('with a long delay leaves the slice, and goes on with the attempt that was next', async () => {
    const { run, calls, platform } = await ran({
      a: call('a', { fail: 1, say: 'ok' }, { retry: { max: 1, delay: '5m' } }),
    });
    expect([run.status, calls.length, run.handoffs]).toEqual(['succeeded', 2, 1]);
    expect(platform.runs.runs.get(run.id)?.records.get('a')).toMatchObject({ attempts: 2 });
  });

  test('may be replaced by an output, or passed over', async () => {
    const nodes = {
      a: broken({ onError: { output: 'instead: ${{ $error.message }}' } }),
      b: broken({ onError: 'continue' }),
      c: set('${{ $nodes.b }}', { join: 'settled' }),
    };
    const { run, outputs } = await ran(nodes, { a: '${{ $nodes.a }}', c: '${{ $nodes.c.v }}' });
    expect([run.status, run.handledErrors, outputs]).toMatchObject([
      'succeeded',
      2,
      { a: expect.stringContaining('It broke'), c: null },
    ]);
  });

  test('whose replacement fails, too, ends the run with both messages', async () => {
    const { run } = await ran({
      a: broken({ onError: { output: '${{ $number("many") }}' } }),
      b: set('${{ $nodes.a }}'),
    });
    expect([run.status, run.error?.code, run.handledErrors]).toEqual(['failed', 'expression-failed', 0]);
    expect(run.error?.message).toMatch(/It broke.*its default failed/);
  });

  test('of a node that nobody answers in time takes the branch timeout', async () => {
    const nodes = {
      review: { type: 'lambda', timeout: '5m', with: { function: 'f', mode: 'callback' } },
      late: set('nobody came', { needs: 'review:timeout' }),
    };
    const { run, outputs } = await ran(nodes, { v: '${{ $nodes.late.v }}' }, { answers: false });
    expect([run.status, run.handledErrors, outputs]).toEqual(['succeeded', 0, { v: 'nobody came' }]);
  });

  test('takes the branch error, which shows what it was', async () => {
    const { run, outputs } = await ran(
      { a: broken(), rescue: set('${{ $errors.a.message }}', { needs: 'a:error' }) },
      { v: '${{ $nodes.rescue.v }}' },
    );
    expect([run.status, outputs]).toMatchObject(['succeeded', { v: expect.stringContaining('It broke') }]);
  });

  test('of a node that takes longer than its timeout is reported as such', async () => {
    const { run } = await ran({ a: call('a', { ms: 60_000 }, { timeout: '2s' }) });
    expect(run.error).toMatchObject({ code: 'node-timed-out', node: 'a' });
  });

  test('of a secret that nobody has set ends the run, and says which', async () => {
    const { run } = await ran(
      { a: { type: 'http', with: { url: 'https://example.com', headers: { x: '${{ $secrets.TOKEN }}' } } } },
      {},
      { extra: { secrets: ['TOKEN'] } },
    );
    expect([run.status, run.error?.message, run.crashes]).toEqual(['failed', expect.stringContaining('TOKEN'), 0]);
  });
});

describe('a run', () => {
  const patient = { wait: { type: 'wait', with: { for: '10m' } } };

  test('that waits holds no slot, and is woken by its timer', async () => {
    const { run, platform } = await ran(patient);
    expect([run.status, run.handoffs]).toEqual(['succeeded', 1]);
    expect(await platform.ports.slots.occupancy('acme')).toMatchObject({ running: [], queued: 0 });
  });

  test('ends as expired at its deadline', async () => {
    const { run } = await ran(patient, {}, { asked: { timeout: '30s' } });
    expect([run.status, run.error?.code]).toEqual(['failed', 'run-expired']);
  });

  test('that crashes its worker five times ends as crashed, and its webhooks are called', async () => {
    const platform: MemoryPlatform = await makePlatform({ functions: callable([], () => platform) });
    const source = JSON.stringify({ flow: 1, name: 'probe', nodes: { a: call('a') }, outputs: {} });
    const { id } = await platform.accept(source, { webhooks: [{ url: 'https://example.com' }] });
    const killing = Array.from({ length: 30 }, () => ({ atCall: 6, how: 'dies before' as const }));
    const { run, crashes } = await drive(platform, id, { crashes: killing });
    expect([run.status, run.error?.code, crashes.length]).toEqual(['failed', 'run-crashed', 5]);
    expect(platform.queues.deliveries).toMatchObject([{ run: id, n: 1 }]);
  });

  test.each<[string, (platform: MemoryPlatform, run: Run) => Promise<unknown>]>([
    ['before it has begun', async (platform, run) => cancelRun(platform.ports, actForTenant('acme'), run.id)],
  ])('is canceled %s, and stays so', async (_, cancel) => {
    const platform = await makePlatform();
    const accepted = await platform.accept(JSON.stringify({ flow: 1, name: 'probe', nodes: patient, outputs: {} }));
    await cancel(platform, accepted);
    const { run } = await drive(platform, accepted.id);
    expect(run.status).toBe('canceled');
    expect((await cancelRun(platform.ports, actForTenant('acme'), run.id)).status).toBe('canceled');
  });

  test('run again from where it failed does not repeat what had succeeded', async () => {
    const { platform, run, calls } = await ran(
      { a: call('a', { say: 'once' }), b: call('b', { fail: 1 }, { needs: 'a' }) },
      { a: '${{ $nodes.a }}', b: '${{ $nodes.b }}' },
    );
    expect(run.status).toBe('failed');
    const tenant = await platform.ports.tenants.tenant('acme');
    if (!tenant) throw new Error('no tenant');
    const key = { id: 'k', tenant: 'acme', dialect: 'native', scopes: ['run'], createdAt: 0 } as const;
    const caller = { tenant, key: { ...key, scopes: ['run' as const] }, origin: 'https://errand.example.com' };
    const again = await rerun(platform.ports, caller, run.id, { from: 'failed' });
    const { run: second } = await drive(platform, again.id);
    expect([second.status, second.rerunOf]).toEqual(['succeeded', { run: run.id, from: 'failed' }]);
    expect(calls.map(({ name }) => name)).toEqual(['a', 'b', 'b']);
    expect((await platform.runs.read(second.id))?.outputs).toEqual({ a: 'once', b: 2 });
    expect([run.usage.steps, second.usage.steps]).toEqual([2, 1]);
    expect((await loadRecords(platform.ports, second)).map(({ path }) => path)).toEqual(['a', 'b']);
  });

  test('whose queue message was lost is found by the sweeper', async () => {
    const platform = await makePlatform();
    const { id } = await platform.accept(JSON.stringify({ flow: 1, name: 'probe', nodes: { a: set(1) }, outputs: {} }));
    platform.queues.runs.length = 0;
    platform.clock.advance(31_000);
    await sweep(platform.ports, { untilMs: platform.clock.now() + 1_000 });
    expect(platform.queues.runs).toMatchObject([{ runId: id }]);
  });

  test('is refused whole where anything about it is wrong', async () => {
    const platform = await makePlatform();
    const source = JSON.stringify({
      flow: 1,
      name: 'probe',
      inputs: { n: { type: 'integer', required: true } },
      nodes: { a: set(1) },
      outputs: {},
    });
    for (const asked of [
      {},
      { inputs: { n: 'x' } },
      { inputs: { n: 1 }, priority: 10 },
      { inputs: { n: 1 }, timeout: 'soon' },
      { inputs: { n: 1 }, mode: 'sync' as const, startAfter: '2030-01-01T00:00:00Z' },
    ]) {
      await expect(platform.accept(source, asked)).rejects.toBeInstanceOf(ApiError);
    }
    expect(platform.runs.runs.size).toBe(0);
  });
});
