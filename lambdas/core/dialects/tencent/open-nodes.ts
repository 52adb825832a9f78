// Nodes that were begun and have not ended. They have no record yet, so they follow from the plan and from what has ended.

import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { NodeRecord, Run } from '../../run.ts';

export interface OpenNode {
  path: string;
  type: string;
}

/**
 * Those that run now, or ran when their run was canceled, directly inside a container (or the workflow itself: '').
 * Whether a node with `when` runs is only known where nothing else can be what the run is working on.
 */
export function findOpenNodes(
  run: Run,
  plan: Plan,
  at: { container: string; records: readonly NodeRecord[] },
): OpenNode[] {
  const isBegun = run.status === 'running' || (run.status === 'canceled' && run.startedAt !== undefined);
  const nodes = at.container === '' ? plan.nodes : findOpenContainer(plan, at);
  if (!isBegun || !nodes) return [];
  const prefix = at.container === '' ? '' : `${at.container}.`;
  const records = new Map(at.records.map((record) => [record.path, record]));
  const findRecord = (id: string) => records.get(`${prefix}${id}`);
  const open = nodes.filter(
    (node) => !findRecord(node.id) && isReady(nodes, node, findRecord) && !isPassed(nodes, node, findRecord),
  );
  const certain = open.filter(({ when }) => when === undefined);
  const running = certain.length > 0 || open.length > 1 ? certain : open;
  return running.map(({ id, type }) => ({ path: `${prefix}${id}`, type }));
}

/** The nodes of a container that has not ended and in which something has been recorded. */
function findOpenContainer(
  plan: Plan,
  at: { container: string; records: readonly NodeRecord[] },
): PlanNode[] | undefined {
  const hasEnded = at.records.some(({ path }) => path === at.container);
  const isEntered = at.records.some(({ path }) => path.startsWith(`${at.container}.`));
  return hasEnded || !isEntered ? undefined : findNodeAt(plan.nodes, at.container)?.nodes;
}

type FindRecord = (id: string) => NodeRecord | undefined;

function isReady(
  nodes: readonly PlanNode[],
  { needs: all, waitsFor, join }: PlanNode,
  findRecord: FindRecord,
): boolean {
  const isHere = (id: string) => nodes.some((node) => node.id === id);
  const needs = all.filter(({ node }) => isHere(node));
  const hasEnded = (id: string) => (findRecord(id)?.status ?? 'waiting') !== 'waiting';
  if (![...waitsFor.filter(isHere), ...needs.map(({ node }) => node)].every(hasEnded)) return false;
  const isMet = ({ node, port }: PlanNode['needs'][number]) => {
    const { status, handled, port: taken } = findRecord(node) as NodeRecord;
    if (port === undefined) return status === 'succeeded' || handled === true;
    return port === 'error' ? status === 'failed' : status === 'succeeded' && taken === port;
  };
  if (needs.length === 0 || join === 'settled') return true;
  return join === 'any' ? needs.some(isMet) : needs.every(isMet);
}

/** Something that waits for it has begun: it was skipped. */
const isPassed = (nodes: readonly PlanNode[], { id }: PlanNode, findRecord: FindRecord): boolean =>
  nodes.some(
    (other) => findRecord(other.id) && (other.waitsFor.includes(id) || other.needs.some(({ node }) => node === id)),
  );
