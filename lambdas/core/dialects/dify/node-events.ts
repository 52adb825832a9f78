// The events of one node run.

import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { NodeRecord } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';
import { type RunContext, renderHead, renderNodeType, toObject, toSeconds } from './render.ts';

const MICROS = 1_000_000;

/** The number of a node in the source, so that a resumed stream gives it the same number. */
function countNodesUpTo(plan: Plan, sought: PlanNode | undefined): number {
  const flat = (nodes: readonly PlanNode[]): PlanNode[] => nodes.flatMap((node) => [node, ...flat(node.nodes ?? [])]);
  return sought === undefined ? 0 : flat(plan.nodes).indexOf(sought) + 1;
}

/** `pages[00002].text` runs inside `pages`. */
function findContainer({ plan }: RunContext, path: string): { iteration_id: string | null; loop_id: string | null } {
  const container = /^(.*)\[\d+\][^[]*$/.exec(path)?.[1];
  if (container === undefined) return { iteration_id: null, loop_id: null };
  const isIteration = findNodeAt(plan.nodes, container)?.each !== undefined;
  return isIteration ? { iteration_id: container, loop_id: null } : { iteration_id: null, loop_id: container };
}

export function renderNodeHead(context: RunContext, path: string, type: string) {
  const node = findNodeAt(context.plan.nodes, path);
  return {
    id: stableUuid('dify node run', `${context.run.id}/${path}`),
    node_id: path,
    node_type: renderNodeType(node, type, path),
    title: node?.title ?? node?.id ?? path,
    index: countNodesUpTo(context.plan, node),
    predecessor_node_id: node?.needs[0]?.node ?? null,
    inputs: null,
    inputs_truncated: false,
    extras: {},
    ...findContainer(context, path),
  };
}

export function renderNodeStarted(
  context: RunContext,
  { path, nodeType, at }: Extract<StreamItem, { type: 'node.started' }>,
): object {
  const data = { ...renderNodeHead(context, path, nodeType), created_at: toSeconds(at), agent_strategy: null };
  return { event: 'node_started', ...renderHead(context.run), data };
}

function renderNodeStatus({ status, handled }: NodeRecord): string {
  if (status === 'succeeded') return 'succeeded';
  return handled ? 'exception' : 'failed';
}

export function renderNodeFinished(context: RunContext, record: NodeRecord): object {
  const { path, type, output, error, usage, startedAt, endedAt = startedAt } = record;
  const data = {
    ...renderNodeHead(context, path, type),
    process_data: {},
    process_data_truncated: false,
    outputs: toObject(output),
    outputs_truncated: false,
    status: renderNodeStatus(record),
    error: error?.message ?? null,
    elapsed_time: (endedAt - startedAt) / 1_000,
    execution_metadata: {
      total_tokens: usage?.totalTokens ?? 0,
      total_price: (usage?.costMicros ?? 0) / MICROS,
      currency: 'USD',
    },
    created_at: toSeconds(startedAt),
    finished_at: toSeconds(endedAt),
    files: [],
  };
  return { event: 'node_finished', ...renderHead(context.run), data };
}

export function renderNodeRetry(context: RunContext, item: Extract<StreamItem, { type: 'node.retrying' }>): object {
  const type = findNodeAt(context.plan.nodes, item.path)?.type ?? 'tool';
  const data = {
    ...renderNodeHead(context, item.path, type),
    process_data: {},
    outputs: {},
    status: 'retry',
    error: item.error.message,
    elapsed_time: 0,
    execution_metadata: { total_tokens: 0, total_price: 0, currency: 'USD' },
    created_at: toSeconds(item.at),
    finished_at: toSeconds(item.at),
    retry_index: item.attempt - 1,
  };
  return { event: 'node_retry', ...renderHead(context.run), data };
}
