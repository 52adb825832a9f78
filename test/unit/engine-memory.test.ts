import { queryObjects } from 'node:v8';
import { expect, test } from 'vitest';
import { startChild } from '../../lambdas/core/api/start-child.ts';
import { runSlice } from '../../lambdas/core/engine/run-slice.ts';
import { compile } from '../../lambdas/core/flow/compile.ts';
import type { Plan } from '../../lambdas/core/flow/plan.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import { enginePorts, freshRun } from '../bench/engine-ports.ts';

const RUNS = 50;
const FLOW = `
flow: 1
name: varied
nodes:
  list: { type: set, with: { values: { items: "\${{ [1..5] }}" } } }
  each: { type: set, each: { in: $nodes.list.items, concurrency: 2 }, with: { values: { n: "\${{ $item }}" } } }
  short: { type: wait, needs: each, with: { for: 1ms } }
  broken: { type: set, needs: short, onError: continue, with: { values: { n: "\${{ $number('x') }}" } } }
outputs: { n: "\${{ $sum($nodes.each.n) }}" }
`;

async function run(plan: Plan, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const end = await runSlice(enginePorts(plan), freshRun(), {
      budgetUntil: Date.now() + 60_000,
      handoff: false,
      startChild,
    });
    expect(end.kind).toBe('settled');
  }
}

test('a process keeps nothing of the runs that it has done', async () => {
  const { plan } = await compile(FLOW, NODE_KINDS);
  if (!plan) throw new Error('The flow does not compile');
  await run(plan, 5);
  // Collects garbage first.
  const before = queryObjects(AbortSignal, { format: 'count' });
  await run(plan, RUNS);
  // What the last of them have set aside may not be collected yet.
  expect(queryObjects(AbortSignal, { format: 'count' }) - before).toBeLessThan(RUNS);
}, 60_000);
