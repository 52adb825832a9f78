// The flows of the simulations: drawn once, the same for every seed, and compiled when the first seed needs them.

import { compile } from '../../lambdas/core/flow/compile.ts';
import type { Compiled } from '../../lambdas/core/flow/plan.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { FlowStore } from '../../lambdas/core/ports/catalog.ts';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import { KINDS, type Shape, type WorkOrder, writeSource } from '../support/random-flow.ts';
import { type Chance, makeChance } from './chance.ts';
import type { World } from './world.ts';

/** What one may know of a flow without running it. */
export interface DrawnFlow {
  name: string;
  source: string;
  compiled: Compiled;
  /** It ends as failed, whatever happens. */
  isDoomed: boolean;
  /** It ends whoever works on it. */
  isPoison: boolean;
  /** Nodes that wait for somebody. */
  asks: string[];
  hasChild: boolean;
}

const FLOWS = 60;
export const CHILD = 'child';
// The first template of a process loads its interpreter in real time, which virtual time does not count.
const USED = KINDS.filter((kind) => kind !== 'template');
const MAX_NODES = 5;

const pool = new Map<string, Promise<DrawnFlow>>();

export function drawFlow(chance: Chance): Promise<DrawnFlow> {
  return flowNamed(`flow-${chance.int(1, FLOWS)}`);
}

export function flowNamed(name: string): Promise<DrawnFlow> {
  const known = pool.get(name) ?? make(name);
  pool.set(name, known);
  return known;
}

/** The node at the end of a flow, after its last one. */
const ending = (after: string[], payload: JsonObject): JsonObject => ({
  type: 'lambda',
  ...(after.length > 0 && { needs: after, join: 'settled' }),
  with: { function: 'work', payload: { run: '${{ $run.id }}', name: 'last', ms: 500, seen: [], ...payload } },
});

async function make(name: string): Promise<DrawnFlow> {
  if (name === CHILD) {
    // Long enough that its parent may end before it.
    const nodes = { wait: { type: 'wait', with: { for: '100s' } }, n0: ending(['wait'], {}) };
    const source = JSON.stringify({ flow: 1, name, nodes, outputs: {} });
    return compiled({ name, source, isDoomed: false, isPoison: false, asks: [], hasChild: false });
  }
  const chance = makeChance(Number(name.slice('flow-'.length)));
  const shapes = Array.from({ length: chance.int(1, MAX_NODES) }, () => drawShape(chance));
  const flow = JSON.parse(writeSource(shapes, name)) as { nodes: JsonObject };
  const last = [`n${shapes.length - 1}`];
  const isDoomed = chance.happens(0.15);
  const isPoison = chance.happens(0.07);
  const hasChild = chance.happens(0.15);
  if (chance.happens(0.3)) flow.nodes['web'] = { type: 'http', with: { url: 'https://service.example.com/thing' } };
  if (hasChild) flow.nodes['sub'] = { type: 'flow', with: { name: CHILD } };
  if (isDoomed) flow.nodes['doom'] = ending(last, { fails: 99 });
  if (isPoison) flow.nodes['poison'] = ending(last, { poison: true });
  const asks = shapes.flatMap(({ kind }, n) => (kind === 'ask' ? [`n${n}`] : []));
  return compiled({ name, source: JSON.stringify(flow), isDoomed, isPoison, asks, hasChild });
}

async function compiled(drawn: Omit<DrawnFlow, 'compiled'>): Promise<DrawnFlow> {
  const it = await compile(drawn.source, NODE_KINDS);
  if (!it.plan) throw new Error(JSON.stringify(it.problems));
  return { ...drawn, compiled: it };
}

function drawShape(chance: Chance): Shape {
  const kind = chance.happens(0.4) ? 'work' : chance.pick(USED);
  const after = Array.from({ length: chance.int(0, 2) }, () => chance.random() * 0.999);
  return { kind, after, ms: chance.int(0, chance.happens(0.2) ? 40_000 : 3_000) };
}

export async function publishFlow(flows: FlowStore, tenant: string, { name, source, compiled }: DrawnFlow) {
  const { plan, digest = '', async, sync } = compiled;
  if (!plan || (await flows.get(tenant, name))) return;
  const at = { tenant, name };
  await flows.putDraft({ ...at, source, etag: digest, compiled, now: 0 });
  await flows.addVersion({ ...at, version: { version: '1.0.0', digest, source, publishedAt: 0, async, sync }, plan });
}

/** The function that all nodes invoke: it answers, takes its time, or fails the first calls of a unit. */
export function makeWork({ timeline }: World): Functions {
  const calls = new Map<string, number>();
  return {
    async invoke({ payload }) {
      const { run, name, ms, item = '', seen, fails = 0 } = payload as unknown as WorkOrder;
      const unit = `${name}/${item}`;
      const nth = (calls.get(`${run} ${unit}`) ?? 0) + 1;
      calls.set(`${run} ${unit}`, nth);
      await timeline.sleep(ms);
      if (nth <= fails) return { kind: 'error', type: 'Flaky', message: 'Not yet', retryable: true };
      return { kind: 'answer', payload: { unit, saw: JSON.stringify(seen) } };
    },
  };
}
