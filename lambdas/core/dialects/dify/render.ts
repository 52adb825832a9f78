// A run as Dify's blocking answer, run detail and list of logs show it. Times are seconds.

import type { Run, RunRecord } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';
import { elapsedSeconds, renderStatus, renderWorkflowId, toSeconds } from './words.ts';

export function renderErrorText({ status, error }: Run): string | null {
  if (status === 'canceled') return 'The run was stopped';
  return error?.message ?? null;
}

export function renderSummary(run: Run, now: number) {
  return {
    id: run.id,
    workflow_id: renderWorkflowId(run),
    status: renderStatus(run),
    error: renderErrorText(run),
    elapsed_time: elapsedSeconds(run, now),
    total_tokens: run.usage.totalTokens,
    total_steps: run.usage.steps,
    created_at: toSeconds(run.createdAt),
    finished_at: run.endedAt === undefined ? null : toSeconds(run.endedAt),
  };
}

/** `task_id` and `workflow_run_id` are one: either stops the run. */
export const renderHead = ({ id }: Run) => ({ workflow_run_id: id, task_id: id });

export interface Waits {
  paused_nodes: string[];
  reasons: object[];
}

export function renderBlocking({ run, outputs }: RunRecord, now: number, pause?: Waits) {
  const data = { ...renderSummary(run, now), outputs: outputs ?? {}, ...pause };
  return { ...renderHead(run), log_id: run.id, data };
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
