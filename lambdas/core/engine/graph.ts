// Runs the nodes of one scope as they become ready, several at once, until all have ended, one fails for good,
// or the rest waits for longer than a slice should.

import type { PlanNode } from '../flow/plan.ts';
import { HANDOFF_WAIT_SECONDS } from '../limits.ts';
import { runNode } from './node.ts';
import { isBranchTaken, readiness } from './readiness.ts';
import { type GraphEnd, type NodeState, type Scope, type Slice, STOPPED, type UnitEnd, type Wait } from './slice.ts';
import { answerTo } from './wait.ts';

type Suspended = Extract<UnitEnd, { kind: 'suspended' }>;

/** What is known of a graph while it runs. */
interface Progress {
  slice: Slice;
  scope: Scope;
  inScope: Set<string>;
  states: Map<string, NodeState>;
  running: Map<string, Promise<void>>;
  suspended: Map<string, Suspended>;
  /** Aborted when one node's failure ends the others. */
  siblings: AbortController;
  signal: AbortSignal;
  end?: GraphEnd;
  fault?: { error: unknown };
}

export async function runGraph(slice: Slice, scope: Scope): Promise<GraphEnd> {
  const siblings = new AbortController();
  const graph: Progress = {
    slice,
    scope,
    inScope: new Set(scope.nodes.map((node) => node.id)),
    states: new Map(),
    running: new Map(),
    suspended: new Map(),
    siblings,
    signal: AbortSignal.any([scope.signal, siblings.signal]),
  };
  for (;;) {
    if (graph.signal.aborted && !graph.fault) graph.end ??= STOPPED;
    if (!graph.end && !graph.fault) {
      wakeDue(slice, graph.suspended);
      startReady(graph);
    }
    if (graph.running.size > 0) await next(graph);
    else if (!(await mayGoOn(graph))) return endOf(graph);
  }
}

/** Whether what sleeps wakes within this slice, now that nothing runs. */
async function mayGoOn({ slice, scope, suspended: asleep, end, fault, signal }: Progress): Promise<boolean> {
  if (fault || end || asleep.size === 0) return false;
  // Only the run as a whole waits: a graph inside a group tells the one around it.
  return scope.prefix === '' && waitInline(slice, asleep, signal);
}

function endOf({ states, suspended: asleep, end, fault }: Progress): GraphEnd {
  if (fault) throw fault.error;
  return end ?? (asleep.size > 0 ? suspension(asleep) : { kind: 'done', states });
}

/** Starts whatever is ready; skipping a node may make others ready, hence the rounds. */
function startReady(graph: Progress): void {
  const { states, running, suspended: asleep } = graph;
  for (let skipped = true; skipped; ) {
    skipped = false;
    for (const node of graph.scope.nodes) {
      if (states.has(node.id) || running.has(node.id) || asleep.has(node.id)) continue;
      const now = readiness(node, states, graph.inScope);
      if (now === 'run') running.set(node.id, start(graph, node));
      if (now !== 'skip') continue;
      states.set(node.id, { status: 'skipped', output: null });
      skipped = true;
    }
  }
}

async function start(graph: Progress, node: PlanNode): Promise<void> {
  const { slice, scope, states, signal } = graph;
  try {
    const end = await runNode(slice, scope, { node, states: new Map(states), signal });
    note(graph, node.id, end);
  } catch (error) {
    graph.fault ??= { error };
    graph.siblings.abort();
  } finally {
    graph.running.delete(node.id);
  }
}

function note(graph: Progress, id: string, end: UnitEnd): void {
  if (end.kind === 'suspended') graph.suspended.set(id, end);
  if (end.kind === 'stopped') graph.end ??= STOPPED;
  if (end.kind !== 'ended') return;
  graph.states.set(id, end.state);
  const isLost = end.state.status === 'failed' && !isBranchTaken(graph.scope.nodes, id, 'error');
  if (!isLost || !end.state.error) return;
  graph.end ??= { kind: 'failed', failure: end.state.error };
  graph.siblings.abort();
}

/** Until a node ends, or something that sleeps may wake. */
async function next({ slice, running, suspended: asleep, end, fault }: Progress): Promise<void> {
  // Nothing wakes any more in a graph that is over: a timer that is due would be waited for again and again, at once.
  if (end || fault) return Promise.race(running.values());
  const over = new AbortController();
  const until = earliest(asleep);
  const timer = until === undefined ? [] : [slice.ports.clock.sleep(until - slice.ports.clock.now(), over.signal)];
  await Promise.race([...running.values(), ...timer, slice.changed()]);
  over.abort();
}

/** Nodes whose timer is over or whose signal came run again; they find their record and go on. */
function wakeDue(slice: Slice, asleep: Map<string, Suspended>): void {
  const now = slice.ports.clock.now();
  const isDue = (wait: Wait): boolean =>
    (wait.until !== undefined && wait.until <= now) ||
    (wait.retry === undefined && answerTo(slice, wait) !== undefined);
  for (const [id, { waits }] of asleep) if (waits.some(isDue)) asleep.delete(id);
}

/** A short wait is spent here: leaving the slice costs more than waiting. False when the slice should end. */
async function waitInline(slice: Slice, asleep: Map<string, Suspended>, signal: AbortSignal): Promise<boolean> {
  const until = earliest(asleep);
  // What was too long for the rest of this slice had better begin elsewhere at once.
  if (until === undefined || [...asleep.values()].some(({ yielded }) => yielded)) return false;
  const ms = until - slice.ports.clock.now();
  if (ms >= HANDOFF_WAIT_SECONDS * 1_000 || until >= slice.budgetUntil) return false;
  const over = new AbortController();
  await Promise.race([slice.ports.clock.sleep(ms, AbortSignal.any([signal, over.signal])), slice.changed()]);
  over.abort();
  return true;
}

function earliest(asleep: Map<string, Suspended>): number | undefined {
  const timers = [...asleep.values()].flatMap(({ waits }) => waits.flatMap((wait) => wait.until ?? []));
  return timers.length > 0 ? Math.min(...timers) : undefined;
}

function suspension(asleep: Map<string, Suspended>): GraphEnd {
  const all = [...asleep.values()];
  return { kind: 'suspended', waits: all.flatMap((it) => it.waits), yielded: all.some((it) => it.yielded) };
}
