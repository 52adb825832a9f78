// One text for equal values, whatever the order of their keys, and its digest: plans are addressed by it.

import { createHash } from 'node:crypto';
import type { Json } from '../json.ts';
import type { Plan, PlanNode } from './plan.ts';

/** JSON with sorted keys. Fields that are undefined are left out. */
function canonicalJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

/** sha256 of everything in the plan. The order in which nodes and inputs are written does not count. */
export function digestPlan(plan: Plan): string {
  const ordered = { ...plan, nodes: inOrder(plan.nodes) };
  return createHash('sha256')
    .update(canonicalJson(ordered as unknown as Json))
    .digest('hex');
}

function inOrder(nodes: PlanNode[]): PlanNode[] {
  return nodes
    .map((node) => (node.nodes ? { ...node, nodes: inOrder(node.nodes) } : node))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
