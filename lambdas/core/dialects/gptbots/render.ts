// A run as GPTBots has it: the result of a sync call, of a query and in a webhook; and what it costs.

import * as z from 'zod';
import type { Run, RunRecord, RunStatus } from '../../run.ts';

const MICROS = 1_000_000;

/** GPTBots has no status for a canceled run, nor for one that waits. */
export const STATUS = {
  pending: 'PENDING',
  running: 'RUNNING',
  waiting: 'RUNNING',
  succeeded: 'SUCCEED',
  failed: 'FAILED',
  canceled: 'FAILED',
} as const satisfies Record<RunStatus, string>;

/** What a result repeats from the key and the tenant. It is kept with the run, because a webhook knows neither. */
export const echoSchema = z.object({
  workflowId: z.string(),
  workflowName: z.string(),
  creditsPerUsd: z.number(),
  /** As it was sent, where the run record has room for it; else only the names in it. */
  input: z.record(z.string(), z.json()).optional(),
  sent: z.array(z.string()).optional(),
});

function renderHead(run: Run) {
  const echo = echoSchema.safeParse(run.echo).data;
  return {
    workflowId: echo?.workflowId ?? run.flow,
    workflowName: echo?.workflowName ?? run.flow,
    workflowVersion: run.version,
    workflowRunId: run.id,
  };
}

/** The cost in credits; `creditsPerUsd` belongs to the tenant. */
export function renderCredits({ echo, usage }: Run): number {
  return (usage.costMicros / MICROS) * (echoSchema.safeParse(echo).data?.creditsPerUsd ?? 1);
}

/** Values come back from the run's inputs where they were too long to be kept twice. */
function renderInput({ run, inputs }: RunRecord): object {
  const { input, sent } = echoSchema.safeParse(run.echo).data ?? {};
  if (input) return input;
  const isKnown = sent?.every((name) => name in inputs) ?? false;
  return isKnown ? Object.fromEntries(Object.entries(inputs).filter(([name]) => sent?.includes(name))) : inputs;
}

export const renderAccepted = (run: Run) => ({ ...renderHead(run), status: STATUS[run.status] });

export function renderRun(record: RunRecord) {
  const { run, outputs } = record;
  return {
    ...renderHead(run),
    input: renderInput(record),
    output: outputs,
    workflowExecutionTime: run.startedAt === undefined ? 0 : (run.endedAt ?? run.startedAt) - run.startedAt,
    status: STATUS[run.status],
    totalCost: renderCredits(run),
    totalTokens: run.usage.totalTokens,
    startTime: run.startedAt ?? run.createdAt,
    endTime: run.endedAt ?? null,
  };
}

/** A run costs what its models cost. GPTBots' other services do not exist here. */
export function renderCreditsEntry(run: Run) {
  const total = renderCredits(run);
  return {
    run_id: run.id,
    run_start_time: run.startedAt ?? run.createdAt,
    chat: total,
    anonymization: 0,
    asr: 0,
    tts: 0,
    rerank: 0,
    database_processing: 0,
    tool_call: 0,
    knowledge_doc_indexing: 0,
    question_tag: 0,
    total,
  };
}
