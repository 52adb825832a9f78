// The items of an `each`: so many at a time, in order. An item that waits keeps its lane, so `concurrency` bounds how many
// are open at once, and a wait in an item paces the others.

import { evaluate } from '../expressions/evaluate.ts';
import type { EachPolicy, PlanNode } from '../flow/plan.ts';
import type { Json } from '../json.ts';
import { failed } from '../nodes/node-kind.ts';
import type { Bindings } from './bindings.ts';
import { conclude } from './conclude.ts';
import { runOnce } from './group.ts';
import { endedState, record } from './record.ts';
import { type NodeState, type Slice, STOPPED, type Suspended, type Unit, type UnitEnd } from './slice.ts';
import { earliestTimer, isDue, joinSuspended, waitForChange } from './wait.ts';

export async function runEach(slice: Slice, unit: Unit, policy: EachPolicy): Promise<UnitEnd> {
  const startedAt = slice.records.get(unit.path)?.startedAt ?? slice.ports.clock.now();
  const list = asList(await evaluate(policy.in, unit.bindings));
  if (list.length > policy.max) {
    const message = `\`each\` has ${list.length} items, more than its max of ${policy.max}`;
    return conclude(slice, unit, { number: 1, startedAt }, failed('node-failed', message));
  }
  const ends = await runItems(slice, unit, { list, policy, startedAt });
  // It ends the node at once, whatever other items still wait for.
  const failure = mayFail(policy) ? firstFailure(ends) : undefined;
  if (failure) return concludeEach(slice, unit, { startedAt, items: list.length, failure });
  if (ends.some((end) => end?.kind === 'stopped')) return STOPPED;
  const suspended = ends.filter((end) => end?.kind === 'suspended');
  if (suspended.length > 0) return joinSuspended(suspended);
  if (ends.includes(undefined)) return STOPPED;
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
  if (hasEnded(slice, unit.path)) return { kind: 'ended', state: { status: 'succeeded', output: end.output ?? null } };
  return conclude(slice, whole, began, { kind: 'done', result: end.output ?? null }, end.items);
}

function hasEnded({ records }: Slice, path: string): boolean {
  const known = records.get(path);
  return known !== undefined && known.status !== 'waiting';
}

interface Items {
  list: Json[];
  policy: EachPolicy;
  startedAt: number;
}

/** What is known of the items while they run. */
interface Lanes extends Items {
  slice: Slice;
  unit: Unit;
  ends: (UnitEnd | undefined)[];
  running: Map<number, Promise<void>>;
  suspended: Map<number, Suspended>;
  /** Those that have not begun here, next first. */
  queue: number[];
  /** Items that waited when the slice began hold their lanes, however many they are. */
  open: number;
  /** Aborts when an item failed for good, or the platform did. */
  over: AbortController;
  signal: AbortSignal;
  fault?: { error: unknown };
}

async function runItems(slice: Slice, unit: Unit, items: Items): Promise<(UnitEnd | undefined)[]> {
  const lanes = openLanes(slice, unit, items);
  for (;;) {
    if (!lanes.signal.aborted) startDue(lanes);
    if (lanes.running.size === 0) break;
    await next(lanes);
  }
  if (lanes.fault) throw lanes.fault.error;
  return lanes.ends;
}

/** Until an item ends, or the wait of one may be over. */
function next({ slice, running, suspended, signal }: Lanes): Promise<void> {
  if (suspended.size === 0 || signal.aborted) return Promise.race(running.values());
  const { waits } = joinSuspended([...suspended.values()]);
  return waitForChange(slice, earliestTimer(waits), { signal, running: running.values() });
}

function openLanes(slice: Slice, unit: Unit, items: Items): Lanes {
  const waiting = listWaiting(slice, unit.path);
  const node = itemNode(unit, items.policy);
  const ends = items.list.map((_, index) => readEnd(slice, { ...unit, node }, index));
  const left = ends.flatMap((end, index) => (end === undefined ? [index] : []));
  const isOpen = (index: number) => waiting.has(index);
  const over = new AbortController();
  if (mayFail(items.policy) && firstFailure(ends)) over.abort();
  return {
    ...items,
    slice,
    unit,
    ends,
    running: new Map(),
    suspended: new Map(),
    queue: [...left.filter(isOpen), ...left.filter((index) => !isOpen(index))],
    open: left.filter(isOpen).length,
    over,
    signal: AbortSignal.any([unit.signal, over.signal]),
  };
}

const itemPath = (unit: Unit, index: number): string => `${unit.path}[${String(index).padStart(5, '0')}]`;

/** Undefined for an item that has not ended. */
function readEnd(slice: Slice, unit: Unit, index: number): UnitEnd | undefined {
  const path = itemPath(unit, index);
  const known = hasEnded(slice, path) ? slice.records.get(path) : undefined;
  return known && { kind: 'ended', state: endedState(known, unit.node) };
}

/** The items in which something waits: the item itself, or a node inside it. */
function listWaiting({ records }: Slice, path: string): Set<number> {
  const waiting = [...records.values()].filter((it) => it.status === 'waiting' && it.path.startsWith(`${path}[`));
  return new Set(waiting.map((it) => Number.parseInt(it.path.slice(path.length + 1), 10)));
}

/** Items whose wait is over go on, then others begin in the lanes that are free. */
function startDue(lanes: Lanes): void {
  const { slice, policy, queue, running, suspended } = lanes;
  for (const [index, end] of suspended) if (isDue(slice, end)) start(lanes, index);
  for (let next = queue[0]; next !== undefined; next = queue[0]) {
    if (lanes.open === 0 && running.size + suspended.size >= policy.concurrency) return;
    lanes.open = Math.max(0, lanes.open - 1);
    queue.shift();
    start(lanes, next);
  }
}

function start(lanes: Lanes, index: number): void {
  lanes.suspended.delete(index);
  lanes.running.set(index, runItem(lanes, index));
}

async function runItem(lanes: Lanes, index: number): Promise<void> {
  const { slice, unit, list, policy, signal, ends, over } = lanes;
  const node = itemNode(unit, policy);
  const takes = (port: string) => port === 'error' && policy.onItemError !== 'fail';
  const bindings: Bindings = { ...unit.bindings, item: list[index] ?? null, index };
  try {
    const end = await runOnce(slice, { node, path: itemPath(unit, index), bindings, signal, takes });
    ends[index] = end;
    if (end.kind === 'suspended') await keepLane(lanes, index, end);
    if (mayFail(policy) && firstFailure([end])) over.abort();
  } catch (error) {
    lanes.fault ??= { error };
    over.abort();
  } finally {
    lanes.running.delete(index);
  }
}

async function keepLane(lanes: Lanes, index: number, end: Suspended): Promise<void> {
  lanes.suspended.set(index, end);
  if (end.waits.some(({ kind }) => kind !== 'timer')) await recordLength(lanes);
}

/** Whoever answers an item that waits may then learn whether there is such an item. */
async function recordLength({ slice, unit, list, startedAt }: Lanes): Promise<void> {
  const { path, node } = unit;
  if (slice.records.has(path)) return;
  await record(slice, { path, type: node.type, status: 'waiting', attempts: 1, startedAt, items: list.length });
}

/** An item's failure is the business of `onItemError`; `onError` is about the node as a whole. */
function itemNode({ node }: Unit, { onItemError }: EachPolicy): PlanNode {
  return { ...node, onError: typeof onItemError === 'object' ? onItemError : 'fail' };
}

/** Whether an item that is not handled ends the node: with `{output}` that is one whose output fails, too. */
function mayFail({ onItemError }: EachPolicy): boolean {
  return onItemError === 'fail' || typeof onItemError === 'object';
}

function firstFailure(ends: readonly (UnitEnd | undefined)[]): NodeState | undefined {
  for (const end of ends) if (end?.kind === 'ended' && end.state.status === 'failed') return end.state;
  return undefined;
}

/** JSONata gives one item bare and none as null; a list is what the author asked for. */
export function asList(value: Json): Json[] {
  if (value === null) return [];
  return Array.isArray(value) ? value : [value];
}
