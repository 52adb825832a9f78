// A run as Dify has it: the blocking response, the run detail and the list of logs. Times are seconds.

import type { Plan, PlanNode } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Run, RunRecord } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';

/** The run that a response or a stream is about. */
export interface RunContext {
  run: Run;
  plan: Plan;
  /** The stream goes on when somebody has answered what the run waits for. */
  goesOn?: true;
}

/** Dify's status of a run that waits. */
export const WAITING = 'paused';

/** Dify has no queue: a pending run is running. */
export function renderStatus({ status, handledErrors }: Pick<Run, 'status' | 'handledErrors'>): string {
  if (status === 'succeeded') return handledErrors > 0 ? 'partial-succeeded' : 'succeeded';
  if (status === 'canceled') return 'stopped';
  if (status === 'waiting') return WAITING;
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

/** Dify has a counter per app; here it is the time (docs/decisions/0015-a-sequence-number-without-a-counter.md). */
export const renderSequenceNumber = ({ createdAt }: Run): number => toSeconds(createdAt);

/** Dify's outputs are always objects. */
export function toObject(value: Json | undefined): JsonObject {
  if (value === undefined || value === null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? value : { output: value };
}

export function renderErrorMessage({ status, error }: Run): string | null {
  if (status === 'canceled') return 'The run was stopped';
  return error?.message ?? null;
}

export function renderSummary(run: Run, now: number) {
  return {
    id: run.id,
    workflow_id: renderWorkflowId(run),
    status: renderStatus(run),
    error: renderErrorMessage(run),
    elapsed_time: elapsedSeconds(run, now),
    total_tokens: run.usage.totalTokens,
    total_steps: run.usage.steps,
    created_at: toSeconds(run.createdAt),
    finished_at: run.endedAt === undefined ? null : toSeconds(run.endedAt),
  };
}

/** `task_id` and `workflow_run_id` are the same: a client may stop the run by either. */
export const renderHead = ({ id }: Run) => ({ workflow_run_id: id, task_id: id });

export interface Waits {
  paused_nodes: string[];
  reasons: object[];
}

/** The blocking response; `waits` says what a paused run waits for. */
export function renderRun({ run, outputs }: RunRecord, now: number, waits: Waits | object = {}) {
  const data = { ...renderSummary(run, now), sequence_number: renderSequenceNumber(run), outputs: outputs ?? {} };
  return { ...renderHead(run), log_id: run.id, data: { ...data, ...waits } };
}

export function renderDetail({ run, inputs, outputs }: RunRecord, now: number) {
  return { ...renderSummary(run, now), inputs: JSON.stringify(inputs), outputs: outputs ?? {} };
}

export function renderLog(run: Run, now: number) {
  const { workflow_id, ...summary } = renderSummary(run, now);
  const user = run.user ?? '';
  return {
    id: run.id,
    workflow_run: { ...summary, version: run.version, exceptions_count: run.handledErrors, triggered_from: 'app-run' },
    created_from: 'service-api',
    created_by_role: 'end_user',
    created_by_account: null,
    created_by_end_user: {
      id: makeEndUserId(run.tenant, user),
      type: 'service_api',
      is_anonymous: false,
      session_id: user,
    },
    created_at: toSeconds(run.createdAt),
    details: null,
  };
}

export const makeEndUserId = (tenant: string, user: string): string => stableUuid('dify end user', `${tenant}/${user}`);
