// When a node runs: a pure function of the plan and of what has ended. The four control rules of docs/flow-format.md.

import type { Need, PlanNode } from '../flow/plan.ts';
import type { NodeState } from './slice.ts';

export type Readiness = 'wait' | 'run' | 'skip';

export function readiness(
  node: PlanNode,
  states: ReadonlyMap<string, NodeState>,
  inScope: ReadonlySet<string>,
): Readiness {
  const waitsFor = [...node.waitsFor, ...node.needs.map((need) => need.node)];
  if (waitsFor.some((id) => inScope.has(id) && !states.has(id))) return 'wait';
  const needs = node.needs.filter((need) => inScope.has(need.node));
  if (needs.length === 0 || node.join === 'settled') return 'run';
  const met = (need: Need): boolean => isMet(need, states.get(need.node));
  return (node.join === 'any' ? needs.some(met) : needs.every(met)) ? 'run' : 'skip';
}

function isMet(need: Need, state: NodeState | undefined): boolean {
  if (state === undefined) return false;
  if (need.port === undefined) return state.status === 'succeeded' || state.status === 'handled';
  if (need.port === 'error') return state.status === 'failed';
  return state.status === 'succeeded' && state.port === need.port;
}

/** Whether somebody in the scope takes this branch of the node. */
export function isBranchTaken(nodes: readonly PlanNode[], id: string, port: string): boolean {
  return nodes.some((node) => node.needs.some((need) => need.node === id && need.port === port));
}
