// Dify's words for statuses and node types, and the ids that it wants around a run.

import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Run } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';

/** The run that answers and events are about. */
export interface RunContext {
  run: Run;
  plan: Plan;
}

/** There is no queue on this wire: a pending run is running. */
export function renderStatus({ status, handledErrors }: Pick<Run, 'status' | 'handledErrors'>): string {
  if (status === 'succeeded') return handledErrors > 0 ? 'partial-succeeded' : 'succeeded';
  if (status === 'canceled') return 'stopped';
  if (status === 'waiting') return 'paused';
  return status === 'failed' ? 'failed' : 'running';
}

const NODE_TYPES: Record<string, string> = {
  http: 'http-request',
  llm: 'llm',
  code: 'code',
  template: 'template-transform',
  switch: 'if-else',
  classify: 'question-classifier',
  extract: 'parameter-extractor',
  first: 'variable-aggregator',
  set: 'assigner',
  document: 'document-extractor',
  retrieve: 'knowledge-retrieval',
  tool: 'tool',
  approval: 'human-input',
  question: 'human-input',
  reply: 'answer',
};

/** An item of an iteration is the node itself, not the iteration around it. */
export function renderNodeType(node: PlanNode | undefined, type: string, path: string): string {
  if (node?.each && !path.endsWith(']')) return 'iteration';
  if (type === 'group') return 'loop';
  return NODE_TYPES[type] ?? 'tool';
}

/** In Dify a workflow id names a published version. */
export const renderWorkflowId = ({ tenant, flow, version }: Pick<Run, 'tenant' | 'flow' | 'version'>): string =>
  stableUuid('dify workflow', `${tenant}/${flow}/${version}`);

export const toSeconds = (ms: number): number => Math.floor(ms / 1_000);

export function elapsedSeconds({ startedAt, endedAt }: { startedAt?: number; endedAt?: number }, now: number): number {
  return startedAt === undefined ? 0 : Math.max(0, (endedAt ?? now) - startedAt) / 1_000;
}

/** A counter per app, which only has to rise. */
export const renderSequenceNumber = ({ createdAt }: Run): number => toSeconds(createdAt);

/** Outputs are objects on this wire. */
export function toObject(value: Json | undefined): JsonObject {
  if (value === undefined || value === null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? value : { output: value };
}
