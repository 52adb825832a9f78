// Finds the node of a unit by its path.

import type { PlanNode } from './plan.ts';

/** `pages[00002].text` → the node `text` inside the group `pages`; undefined where the plan has none. */
export function findNodeAt(nodes: readonly PlanNode[], path: string): PlanNode | undefined {
  const [first = '', ...rest] = path.split('.');
  const node = nodes.find((it) => it.id === first.replace(/(?:\[\d+\])+$/, ''));
  return rest.length === 0 ? node : node && findNodeAt(node.nodes ?? [], rest.join('.'));
}
