// The resume law: wherever a run is interrupted, it ends with the outputs that it would have had, and no unit runs more
// often than crashes have interrupted it. `npm run laws` tries more of them.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Functions } from '../../lambdas/core/ports.ts';
import { type Crash, drive } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';

const RUNS = Number(process.env['ERRAND_LAW_RUNS'] ?? 300);

type Kind = 'work' | 'set' | 'items' | 'group' | 'choice' | 'nap' | 'long' | 'ask';

interface Shape {
  kind: Kind;
  /** Which of the nodes before it a node mentions, as fractions of their number. */
  after: number[];
  ms: number;
}

const shape = fc.record<Shape>({
  kind: fc.constantFrom<Kind>('work', 'work', 'work', 'set', 'items', 'group', 'choice', 'nap', 'long', 'ask'),
  after: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 2 }),
  ms: fc.integer({ min: 0, max: 3_000 }),
});
const flows = fc.array(shape, { minLength: 2, maxLength: 7 });
const crashes = fc.array(
  fc.record<Crash>({ atCall: fc.integer({ min: 1, max: 25 }), when: fc.constantFrom('before', 'after') }),
  { minLength: 1, maxLength: 4 },
);

/** A node as JSON, which is YAML, too. */
function nodeOf({ kind, after, ms }: Shape, n: number): object {
  const mentioned = [...new Set(after.map((at) => `n${Math.floor(at * n)}`))].filter(() => n > 0);
  const seen = mentioned.map((id) => `\${{ $nodes.${id} }}`);
  const call = (name: string, more: object = {}) => ({
    type: 'lambda',
    with: { function: 'work', payload: { name, ms, seen, ...more } },
  });
  const needs = mentioned.length > 0 ? { needs: mentioned } : {};
  switch (kind) {
    case 'work':
      return call(`n${n}`);
    case 'set':
      return { type: 'set', with: { values: { v: n, seen } } };
    case 'items':
      return { ...call(`n${n}`, { item: '${{ $item }}' }), each: { in: '[1, 2, 3]', concurrency: 2 } };
    case 'group':
      return {
        type: 'group',
        each: { in: '[1, 2]', concurrency: 2 },
        with: { nodes: { inner: call(`n${n}.inner`, { item: '${{ $item }}' }) }, output: '${{ $nodes.inner }}' },
      };
    case 'choice':
      return { type: 'switch', ...needs, with: { cases: [{ id: 'yes', when: `${n} > 1` }], default: 'no' } };
    case 'nap':
      return { type: 'wait', ...needs, with: { for: '2s' } };
    case 'long':
      return { type: 'wait', ...needs, with: { for: '2m' } };
    case 'ask':
      return { type: 'callback', ...needs, timeout: '1h', with: { message: 'Well?' } };
  }
}

function sourceOf(shapes: readonly Shape[]): string {
  const nodes = Object.fromEntries(shapes.map((it, n) => [`n${n}`, nodeOf(it, n)]));
  const outputs = Object.fromEntries(shapes.map((_, n) => [`o${n}`, `\${{ $nodes.n${n} }}`]));
  return JSON.stringify({ flow: 1, name: 'law', nodes, outputs });
}

async function world(): Promise<{ platform: MemoryPlatform; calls: Map<string, number> }> {
  const calls = new Map<string, number>();
  const functions: Functions = {
    async invoke({ payload }) {
      const { name, ms, item = '', seen } = payload as { name: string; ms: number; item?: number; seen: unknown };
      const unit = `${name}/${item}`;
      calls.set(unit, (calls.get(unit) ?? 0) + 1);
      await platform.clock.sleep(ms);
      return { kind: 'answer', payload: { unit, saw: JSON.stringify(seen).length } };
    },
  };
  const platform = await makePlatform({ functions });
  return { platform, calls };
}

async function outcome(source: string, killing: readonly Crash[]) {
  const { platform, calls } = await world();
  const run = await platform.accept(source);
  const driven = await drive(platform, run.id, { crashes: killing });
  const record = await platform.runs.read(run.id);
  return { ...driven, calls, outputs: record?.outputs, slots: await platform.ports.slots.occupancy('acme') };
}

test('a run that is interrupted ends as it would have', async () => {
  let crashed = 0;
  let repeated = 0;
  await fc.assert(
    fc.asyncProperty(flows, crashes, async (shapes, killing) => {
      const source = sourceOf(shapes);
      const calm = await outcome(source, []);
      const rough = await outcome(source, killing);
      crashed += rough.crashes;
      expect(calm.run.status).toBe('succeeded');
      expect([rough.run.status, rough.run.error]).toEqual(['succeeded', undefined]);
      expect(rough.outputs).toEqual(calm.outputs);
      for (const [unit, times] of calm.calls) expect([unit, times]).toEqual([unit, 1]);
      for (const [unit, times] of rough.calls) {
        if (times > 1) repeated += 1;
        expect(times, unit).toBeLessThanOrEqual(1 + rough.crashes);
      }
      expect([...rough.calls.keys()].sort()).toEqual([...calm.calls.keys()].sort());
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  // Or the law would hold because nothing was put to the test.
  expect(crashed).toBeGreaterThan(RUNS / 2);
  expect(repeated).toBeGreaterThan(0);
}, 600_000);
