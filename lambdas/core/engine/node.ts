// One node of a graph: its `when`, its `each`, and, for a group, the graph inside it with its `repeat`.

import { ApiError } from '../errors.ts';
import { evaluate, evaluateDeep } from '../expressions/evaluate.ts';
import type { EachPolicy, PlanNode } from '../flow/plan.ts';
import type { Json, JsonObject } from '../json.ts';
import { failed, type Outcome } from '../nodes/node-kind.ts';
import { type Bindings, scopeBindings } from './bindings.ts';
import { conclude } from './conclude.ts';
import { isBranchTaken } from './readiness.ts';
import { endedState } from './record.ts';
import { type NodeState, type Scope, type Slice, STOPPED, type Unit, type UnitEnd } from './slice.ts';
import { runUnit } from './unit.ts';
import { joinSuspended } from './wait.ts';

const SKIPPED: UnitEnd = { kind: 'ended', state: { status: 'skipped', output: null } };

export async function runNode(
  slice: Slice,
  scope: Scope,
  at: { node: PlanNode; states: ReadonlyMap<string, NodeState>; signal: AbortSignal },
): Promise<UnitEnd> {
  const { node } = at;
  const unit: Unit = {
    node,
    path: `${scope.prefix}${node.id}`,
    bindings: scopeBindings(slice, scope, at.states),
    signal: at.signal,
    takes: (port) => isBranchTaken(scope.nodes, node.id, port),
  };
  const before = slice.records.get(unit.path);
  // Of an `each` only the items hold outputs: its own record is rebuilt from them.
  if (before && before.status !== 'waiting' && before.items === undefined) return ended(unit);
  return attempt(slice, unit, async () => {
    if (node.when !== undefined && !isTrue(await evaluate(node.when, unit.bindings))) return SKIPPED;
    return node.each ? runEach(slice, unit, node.each) : runOne(slice, unit);
  });

  function ended({ path }: Unit): UnitEnd {
    const record = slice.records.get(path);
    return record ? { kind: 'ended', state: endedState(record, node) } : STOPPED;
  }
}

const runOne = (slice: Slice, unit: Unit): Promise<UnitEnd> =>
  unit.node.type === 'group' ? runGroup(slice, unit) : runUnit(slice, unit);

/** JSONata's notion of truth, as in its `$boolean`. */
function isTrue(value: Json): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  if (value !== null && typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}

/** An expression of the node itself that fails ends the node, not the slice. */
async function attempt(slice: Slice, unit: Unit, run: () => Promise<UnitEnd>): Promise<UnitEnd> {
  const startedAt = slice.ports.clock.now();
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return conclude(slice, unit, { number: 1, startedAt }, failed(error.code, error.message));
  }
}

async function runEach(slice: Slice, unit: Unit, policy: EachPolicy): Promise<UnitEnd> {
  const startedAt = slice.ports.clock.now();
  const list = asList(await evaluate(policy.in, unit.bindings));
  if (list.length > policy.max) {
    const message = `\`each\` has ${list.length} items, more than its max of ${policy.max}`;
    return conclude(slice, unit, { number: 1, startedAt }, failed('node-failed', message));
  }
  const ends = await runItems(slice, unit, { list, policy });
  // It ends the node at once, whatever other items still wait for.
  const failure = mayFail(policy) ? firstFailure(ends) : undefined;
  if (failure) return concludeEach(slice, unit, { startedAt, items: list.length, failure });
  if (ends.includes(undefined) || ends.some((end) => end?.kind === 'stopped')) return STOPPED;
  const suspended = ends.filter((end) => end?.kind === 'suspended');
  if (suspended.length > 0) return joinSuspended(suspended);
  const states = ends.flatMap((end) => (end?.kind === 'ended' ? [end.state] : []));
  const kept = states.filter((state) => policy.onItemError !== 'skip' || state.status !== 'failed');
  const outputs = kept.map((state) => state.output);
  const output = policy.flatten ? outputs.flat(1) : outputs;
  return concludeEach(slice, unit, { startedAt, items: list.length, output });
}

interface EachEnd {
  startedAt: number;
  items: number;
  output?: Json;
  failure?: NodeState;
}

async function concludeEach(slice: Slice, unit: Unit, end: EachEnd): Promise<UnitEnd> {
  const began = { number: 1, startedAt: end.startedAt };
  // `output` has shaped each item already.
  const { output: _, ...node } = unit.node;
  const whole: Unit = { ...unit, node };
  if (end.failure?.error) {
    const { code, message, node: item } = end.failure.error;
    return conclude(slice, whole, began, failed(code, `${item}: ${message}`));
  }
  if (slice.records.has(unit.path)) {
    return { kind: 'ended', state: { status: 'succeeded', output: end.output ?? null } };
  }
  return conclude(slice, whole, began, { kind: 'done', result: end.output ?? null }, end.items);
}

/** Runs the items a few at a time, in order; stops starting new ones once an item failed for good. */
async function runItems(slice: Slice, unit: Unit, { list, policy }: { list: Json[]; policy: EachPolicy }) {
  const ends: (UnitEnd | undefined)[] = list.map(() => undefined);
  const failedOne = new AbortController();
  const signal = AbortSignal.any([unit.signal, failedOne.signal]);
  // An item's failure is the business of `onItemError`; `onError` is about the node as a whole.
  const onError = typeof policy.onItemError === 'object' ? policy.onItemError : 'fail';
  const node: PlanNode = { ...unit.node, onError };
  const takes = (port: string) => port === 'error' && policy.onItemError !== 'fail';
  let next = 0;
  async function lane(): Promise<void> {
    for (let index = next++; index < list.length && !signal.aborted; index = next++) {
      const path = `${unit.path}[${String(index).padStart(5, '0')}]`;
      const bindings: Bindings = { ...unit.bindings, item: list[index] ?? null, index };
      const end = await runOne(slice, { node, path, bindings, signal, takes });
      ends[index] = end;
      if (mayFail(policy) && firstFailure([end])) failedOne.abort();
    }
  }
  await Promise.all(Array.from({ length: Math.min(policy.concurrency, list.length) }, lane));
  return ends;
}

/** Whether an item that is not handled ends the node: with `{output}` that is one whose output fails, too. */
function mayFail({ onItemError }: EachPolicy): boolean {
  return onItemError === 'fail' || typeof onItemError === 'object';
}

function firstFailure(ends: readonly (UnitEnd | undefined)[]): NodeState | undefined {
  for (const end of ends) if (end?.kind === 'ended' && end.state.status === 'failed') return end.state;
  return undefined;
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

/** JSONata gives one item bare and none as null; a list is what the author asked for. */
export function asList(value: Json): Json[] {
  if (value === null) return [];
  return Array.isArray(value) ? value : [value];
}
