// A group: the graph inside it, once or in rounds.

import { evaluate, evaluateDeep } from '../expressions/evaluate.ts';
import type { Json, JsonObject } from '../json.ts';
import { failed, type Outcome } from '../nodes/node-kind.ts';
import { type Bindings, scopeBindings } from './bindings.ts';
import { conclude } from './conclude.ts';
import { endedState } from './record.ts';
import type { Scope, Slice, Unit, UnitEnd } from './slice.ts';
import { runUnit } from './unit.ts';

/** A node, or one item of it. */
export const runOnce = (slice: Slice, unit: Unit): Promise<UnitEnd> =>
  unit.node.type === 'group' ? runGroup(slice, unit) : runUnit(slice, unit);

/** JSONata's notion of truth, as in its `$boolean`. */
export function isTrue(value: Json): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (value !== null && typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}

async function runGroup(slice: Slice, unit: Unit): Promise<UnitEnd> {
  const before = slice.records.get(unit.path);
  if (before) return { kind: 'ended', state: endedState(before, unit.node) };
  const startedAt = slice.ports.clock.now();
  const { repeat } = unit.node;
  if (!repeat) return endGroup(slice, unit, startedAt, await runRound(slice, unit, `${unit.path}.`, unit.bindings));
  let vars = (await evaluateDeep(repeat.vars, unit.bindings)) as JsonObject;
  for (let round = 0; ; round += 1) {
    const prefix = `${unit.path}[${String(round).padStart(5, '0')}].`;
    const bindings: Bindings = { ...unit.bindings, vars, index: round };
    const end = await runRound(slice, unit, prefix, bindings);
    if (end.kind !== 'round') return endGroup(slice, unit, startedAt, end);
    const after: Bindings = { ...end.bindings, result: end.result };
    vars = { ...vars, ...((await evaluateDeep(repeat.next, after)) as JsonObject) };
    const isLast = repeat.until !== undefined && isTrue(await evaluate(repeat.until, { ...after, vars }));
    if (isLast || round + 1 >= repeat.max) return endGroup(slice, unit, startedAt, end);
  }
}

type Round =
  | UnitEnd
  | { kind: 'round'; result: Json; bindings: Bindings }
  | { kind: 'failed'; outcome: Extract<Outcome, { kind: 'failed' }> };

/** The graph inside the group, once. */
async function runRound(slice: Slice, unit: Unit, prefix: string, outer: Bindings): Promise<Round> {
  const scope: Scope = { prefix, nodes: unit.node.nodes ?? [], outer, signal: unit.signal };
  const end = await slice.runGraph(scope);
  if (end.kind === 'suspended' || end.kind === 'stopped') return end;
  if (end.kind === 'failed') {
    const { code, message, node } = end.failure;
    return { kind: 'failed', outcome: failed(code, node ? `${node}: ${message}` : message) };
  }
  const bindings = scopeBindings(slice, scope, end.states);
  const result = await evaluateDeep(unit.node.with['output'] ?? null, bindings);
  return { kind: 'round', result, bindings };
}

function endGroup(slice: Slice, unit: Unit, startedAt: number, end: Round): UnitEnd | Promise<UnitEnd> {
  const began = { number: 1, startedAt };
  if (end.kind === 'round') return conclude(slice, unit, began, { kind: 'done', result: end.result });
  return end.kind === 'failed' ? conclude(slice, unit, began, end.outcome) : end;
}
