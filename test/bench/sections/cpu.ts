// What the compiler and the engine themselves take of the processor: no network, no store, no waiting.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../../lambdas/core/api/start-child.ts';
import { runSlice } from '../../../lambdas/core/engine/run-slice.ts';
import { compile } from '../../../lambdas/core/flow/compile.ts';
import type { Plan } from '../../../lambdas/core/flow/plan.ts';
import { NODE_KINDS } from '../../../lambdas/core/nodes/index.ts';
import { ROOT } from '../../../local/synthesis.ts';
import { enginePorts, freshRun } from '../engine-ports.ts';
import { COMPILE_CHAIN_MS, COMPILE_EXAMPLE_MS, EACH_OVERHEAD_MS } from '../figures.ts';
import { atMost, figure, type Line, percentile } from '../report.ts';

const ROUNDS = 30;
const CHAIN = 200;
const ITEMS = 50;

export async function cpu(): Promise<Line[]> {
  const example = await documentedExample();
  const each = await compilePlan(eachFlow());
  return [
    ...(await judged(
      `compile the documented example of ${example.trimEnd().split('\n').length} lines`,
      COMPILE_EXAMPLE_MS,
      () => compilePlan(example),
    )),
    ...(await judged(`compile a chain of ${CHAIN} nodes`, COMPILE_CHAIN_MS, () => compilePlan(chainFlow()))),
    ...(await judged(`run an \`each\` of ${ITEMS} items`, EACH_OVERHEAD_MS, () => runOnce(each))),
  ];
}

/** The median of a warm process counts; the first time is printed beside it. */
async function judged(what: string, most: number, work: () => Promise<unknown>): Promise<Line[]> {
  const first = await cpuMs(work);
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await cpuMs(work));
  return [atMost(what, percentile(rounds, 0.5), { most, unit: 'ms' }), figure('  the first time', first, 'ms')];
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

async function compilePlan(source: string): Promise<Plan> {
  const { plan, problems } = await compile(source, NODE_KINDS);
  if (!plan) throw new Error(`The flow does not compile: ${JSON.stringify(problems)}`);
  return plan;
}

async function documentedExample(): Promise<string> {
  const text = await readFile(join(ROOT, 'docs', 'flow-format.md'), 'utf8');
  return /```yaml\n(.*?)```/s.exec(text)?.[1] ?? '';
}

function chainFlow(): string {
  const node = (n: number) =>
    `  n${n}: { type: set, with: { values: { n: "\${{ ${n === 0 ? '0' : `$nodes.n${n - 1}.n + 1`} }}" } } }`;
  const nodes = Array.from({ length: CHAIN }, (_, n) => node(n)).join('\n');
  return `flow: 1\nname: chain\nnodes:\n${nodes}\noutputs: { n: "\${{ $nodes.n${CHAIN - 1}.n }}" }\n`;
}

function eachFlow(): string {
  return `flow: 1
name: each
nodes:
  list: { type: set, with: { values: { items: "\${{ [1..${ITEMS}] }}" } } }
  doubled: { type: set, each: { in: $nodes.list.items }, with: { values: { n: "\${{ $item * 2 }}" } } }
outputs: { sum: "\${{ $sum($nodes.doubled.n) }}" }
`;
}

async function runOnce(plan: Plan): Promise<void> {
  const ports = enginePorts(plan);
  const end = await runSlice(ports, freshRun(), { budgetUntil: Date.now() + 60_000, handoff: false, startChild });
  const sum = ports.settled()?.outputs?.['sum'];
  if (end.kind !== 'settled' || sum !== ITEMS * (ITEMS + 1)) throw new Error(`The run ended with ${sum}`);
}
