// What a run shows of its nodes: every node of the plan in source order, each item and nested node under its own path.

import { findNodeAt } from '../flow/node-at.ts';
import type { Plan, PlanNode } from '../flow/plan.ts';
import { isSettled, type NodeRecord, type NodeWait, type Run } from '../run.ts';

export interface NodeView {
  path: string;
  node: string;
  type: string;
  title: string | null;
  /** `pending` has not begun; `skipped` never will. */
  status: 'pending' | 'succeeded' | 'failed' | 'waiting' | 'skipped';
  handled: boolean;
  output: unknown;
  port: string | null;
  error: NodeRecord['error'] | null;
  attempts: number;
  items: number | null;
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  usage: { totalTokens: number; cost: number } | null;
  wait: { kind: string; until: string | null; prompt: unknown } | null;
}

export function viewNodes(plan: Plan, run: Run, records: readonly NodeRecord[]): NodeView[] {
  const order = new Map<string, number>();
  const known = new Map<string, PlanNode>();
  index(plan.nodes, '');
  const seen = new Set(records.map((record) => record.path));
  const unseen = plan.nodes.filter((node) => !seen.has(node.id)).map((node) => blank(node, run));
  return [...records.map((record) => view(record, known.get(general(record.path)))), ...unseen].sort(
    (a, b) => rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1),
  );

  function index(nodes: readonly PlanNode[], prefix: string): void {
    for (const node of nodes) {
      order.set(`${prefix}${node.id}`, order.size);
      known.set(`${prefix}${node.id}`, node);
      index(node.nodes ?? [], `${prefix}${node.id}.`);
    }
  }
  function rank(path: string): number {
    // Items of an `each` are listed with their node, rounds of a group with the group.
    return order.get(general(path).split('.')[0] ?? '') ?? order.size;
  }
}

/** One record, shown as in the list of all. */
export function viewNode(plan: Plan, record: NodeRecord): NodeView {
  return view(record, findNodeAt(plan.nodes, record.path));
}

const general = (path: string): string => path.replaceAll(/\[\d+\]/g, '');

const iso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

function view(record: NodeRecord, node: PlanNode | undefined): NodeView {
  return {
    path: record.path,
    node: node?.id ?? record.path,
    type: record.type,
    title: node?.title ?? null,
    status: record.status,
    handled: record.handled ?? false,
    output: record.output ?? null,
    port: record.port ?? null,
    error: record.error ?? null,
    attempts: record.attempts,
    items: record.items ?? null,
    startedAt: iso(record.startedAt),
    endedAt: iso(record.endedAt),
    durationMs: record.endedAt === undefined ? null : record.endedAt - record.startedAt,
    usage: record.usage ? { totalTokens: record.usage.totalTokens, cost: record.usage.costMicros / 1e6 } : null,
    wait: record.wait && record.status === 'waiting' ? viewWait(record.wait) : null,
  };
}

export function viewWait({ kind, until, prompt }: NodeWait): NonNullable<NodeView['wait']> {
  return { kind, until: iso(until), prompt: prompt ?? null };
}

function blank(node: PlanNode, run: Run): NodeView {
  return {
    path: node.id,
    node: node.id,
    type: node.type,
    title: node.title ?? null,
    status: isSettled(run.status) ? 'skipped' : 'pending',
    handled: false,
    output: null,
    port: null,
    error: null,
    attempts: 0,
    items: null,
    startedAt: null,
    endedAt: null,
    durationMs: null,
    usage: null,
    wait: null,
  };
}
