// The events of one node run.

import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { NodeRecord } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';
import { renderHead } from './result.ts';
import { asObject, renderNodeType, seconds, type Told } from './words.ts';

const MICROS = 1_000_000;

/** Of the node in the source, so that a resumed stream numbers it alike. */
function indexOf(plan: Plan, sought: PlanNode | undefined): number {
  const flat = (nodes: readonly PlanNode[]): PlanNode[] => nodes.flatMap((node) => [node, ...flat(node.nodes ?? [])]);
  return sought === undefined ? 0 : flat(plan.nodes).indexOf(sought) + 1;
}

/** `pages[00002].text` runs inside `pages`. */
function insideOf({ plan }: Told, path: string): { iteration_id: string | null; loop_id: string | null } {
  const container = /^(.*)\[\d+\][^[]*$/.exec(path)?.[1];
  if (container === undefined) return { iteration_id: null, loop_id: null };
  const isIteration = findNodeAt(plan.nodes, container)?.each !== undefined;
  return isIteration ? { iteration_id: container, loop_id: null } : { iteration_id: null, loop_id: container };
}

export function nodeWords(told: Told, path: string, type: string) {
  const node = findNodeAt(told.plan.nodes, path);
  return {
    id: stableUuid('dify node run', `${told.run.id}/${path}`),
    node_id: path,
    node_type: renderNodeType(node, type, path),
    title: node?.title ?? node?.id ?? path,
    index: indexOf(told.plan, node),
    predecessor_node_id: node?.needs[0]?.node ?? null,
    inputs: null,
    inputs_truncated: false,
    extras: {},
    ...insideOf(told, path),
  };
}

export function nodeStarted(told: Told, { path, nodeType, at }: Extract<StreamItem, { type: 'node.started' }>): object {
  const data = { ...nodeWords(told, path, nodeType), created_at: seconds(at), agent_strategy: null };
  return { event: 'node_started', ...renderHead(told.run), data };
}

function statusOf({ status, handled }: NodeRecord): string {
  if (status === 'succeeded') return 'succeeded';
  return handled ? 'exception' : 'failed';
}

export function nodeFinished(told: Told, record: NodeRecord): object {
  const { path, type, output, error, usage, startedAt, endedAt = startedAt } = record;
  const data = {
    ...nodeWords(told, path, type),
    process_data: {},
    process_data_truncated: false,
    outputs: asObject(output),
    outputs_truncated: false,
    status: statusOf(record),
    error: error?.message ?? null,
    elapsed_time: (endedAt - startedAt) / 1_000,
    execution_metadata: {
      total_tokens: usage?.totalTokens ?? 0,
      total_price: (usage?.costMicros ?? 0) / MICROS,
      currency: 'USD',
    },
    created_at: seconds(startedAt),
    finished_at: seconds(endedAt),
    files: [],
  };
  return { event: 'node_finished', ...renderHead(told.run), data };
}

export function nodeRetry(told: Told, item: Extract<StreamItem, { type: 'node.retrying' }>): object {
  const type = findNodeAt(told.plan.nodes, item.path)?.type ?? 'tool';
  const data = {
    ...nodeWords(told, item.path, type),
    process_data: {},
    outputs: {},
    status: 'retry',
    error: item.error.message,
    elapsed_time: 0,
    execution_metadata: { total_tokens: 0, total_price: 0, currency: 'USD' },
    created_at: seconds(item.at),
    finished_at: seconds(item.at),
    retry_index: item.attempt - 1,
  };
  return { event: 'node_retry', ...renderHead(told.run), data };
}
