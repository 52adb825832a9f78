// Runs the nodes of one scope as they become ready, several at once, until all have ended, one fails for good,
// or the rest waits for longer than a slice should.

import type { PlanNode } from '../flow/plan.ts';
import { runNode } from './node.ts';
import { isBranchTaken, readiness } from './readiness.ts';
import {
  type GraphEnd,
  type NodeState,
  type Scope,
  type Slice,
  STOPPED,
  type Suspended,
  type UnitEnd,
} from './slice.ts';
import { earliestTimer, isDue, joinSuspended, waitForChange, waitInline } from './wait.ts';

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
      resumeDue(graph);
      startReady(graph);
    }
    if (graph.running.size > 0) await next(graph);
    else if (!(await mayGoOn(graph))) return endGraph(graph);
  }
}

const waiting = ({ suspended }: Progress): Suspended => joinSuspended([...suspended.values()]);

/** Whether a wait is over within this slice, now that nothing runs. */
async function mayGoOn(graph: Progress): Promise<boolean> {
  const { slice, scope, suspended, end, fault, signal } = graph;
  if (fault || end || suspended.size === 0) return false;
  // Only the run as a whole waits: a graph inside a group leaves that to the one around it.
  return scope.prefix === '' && waitInline(slice, waiting(graph), signal);
}

function endGraph(graph: Progress): GraphEnd {
  const { states, suspended, end, fault } = graph;
  if (fault) throw fault.error;
  return end ?? (suspended.size > 0 ? waiting(graph) : { kind: 'done', states });
}

/** Starts whatever is ready; skipping a node may make others ready, hence the rounds. */
function startReady(graph: Progress): void {
  const { states, running, suspended } = graph;
  for (let skipped = true; skipped; ) {
    skipped = false;
    for (const node of graph.scope.nodes) {
      if (states.has(node.id) || running.has(node.id) || suspended.has(node.id)) continue;
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

/** Until a node ends, or a wait may be over. */
function next(graph: Progress): Promise<unknown> {
  const { slice, running, end, fault } = graph;
  // In a graph that is over no wait ends any more: a timer that is due would be waited for again and again, at once.
  if (end || fault) return waitForNode(running);
  return waitForChange(slice, earliestTimer(waiting(graph).waits), { running: running.values() });
}

async function waitForNode(running: Progress['running']): Promise<void> {
  await Promise.race(running.values());
}

/** Nodes whose wait is over run again; they find their record and go on. */
function resumeDue({ slice, suspended }: Progress): void {
  for (const [id, end] of suspended) if (isDue(slice, end)) suspended.delete(id);
}
