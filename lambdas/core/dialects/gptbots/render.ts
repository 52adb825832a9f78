// A run as GPTBots shows it: the answer of a sync call, of a query, and of a webhook.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { resolveVendorId } from '../../access/keys.ts';
import type { Submission } from '../../api/submit.ts';
import type { WebhookEvent } from '../../deliver/event.ts';
import type { Run, RunRecord, RunStatus } from '../../run.ts';

const MICROS = 1_000_000;

/** There is no word for a canceled run, nor for one that waits. */
const STATUS = {
  pending: 'PENDING',
  running: 'RUNNING',
  waiting: 'RUNNING',
  succeeded: 'SUCCEED',
  failed: 'FAILED',
  canceled: 'FAILED',
} as const satisfies Record<RunStatus, string>;

// What a result repeats of the key and the tenant, which a webhook does not have at hand.
const echoSchema = z.object({ workflowId: z.string(), workflowName: z.string(), creditsPerUsd: z.number() });

export function readEcho(
  caller: Caller,
  { flow, title }: { flow: string; title: string },
): NonNullable<Submission['echo']> {
  return { workflowId: resolveVendorId(caller, flow), workflowName: title, creditsPerUsd: caller.tenant.creditsPerUsd };
}

function headOf(run: Run) {
  const echo = echoSchema.safeParse(run.echo).data;
  return {
    workflowId: echo?.workflowId ?? run.flow,
    workflowName: echo?.workflowName ?? run.flow,
    workflowVersion: run.version,
    workflowRunId: run.id,
  };
}

/** Cost is in credits; `creditsPerUsd` is the tenant's. */
export function toCredits({ echo, usage }: Run): number {
  return (usage.costMicros / MICROS) * (echoSchema.safeParse(echo).data?.creditsPerUsd ?? 1);
}

export const renderAccepted = (run: Run) => ({ ...headOf(run), status: STATUS[run.status] });

export function renderResult({ run, inputs, outputs }: RunRecord) {
  return {
    ...headOf(run),
    input: inputs,
    output: outputs,
    workflowExecutionTime: run.startedAt === undefined ? 0 : (run.endedAt ?? run.startedAt) - run.startedAt,
    status: STATUS[run.status],
    totalCost: toCredits(run),
    totalTokens: run.usage.totalTokens,
    startTime: run.startedAt ?? run.createdAt,
    endTime: run.endedAt ?? null,
  };
}

export function shapeWebhook(record: RunRecord): WebhookEvent {
  const { id, status } = record.run;
  return { body: renderResult(record), query: { workflowRunId: id, status: STATUS[status] } };
}
