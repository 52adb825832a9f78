// The digest of a plan: plans are addressed by it.

import { createHash } from 'node:crypto';
import { canonicalJson } from '../parse/canonical-json.ts';
import type { Plan, PlanNode } from './plan.ts';

/** sha256 of everything in the plan. The order in which nodes and inputs are written does not count. */
export function digestPlan(plan: Plan): string {
  const ordered = { ...plan, nodes: inOrder(plan.nodes) };
  return createHash('sha256').update(canonicalJson(ordered)).digest('hex');
}

function inOrder(nodes: PlanNode[]): PlanNode[] {
  return nodes
    .map((node) => (node.nodes ? { ...node, nodes: inOrder(node.nodes) } : node))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
