// The shapes that several native calls take or answer, as the documentation shows them.

import * as z from 'zod';
import { LIST_PAGE_DEFAULT, LIST_PAGE_MAX } from '../../limits.ts';
import { DIALECTS, RUN_MODES, RUN_STATUSES, type Run, WAIT_KINDS } from '../../run.ts';
import { renderRun } from '../../runs/run-view.ts';

export const time = z.iso.datetime();
export const nullableTime = time.nullable();
export const anyObject = z.record(z.string(), z.unknown());

export const runIdParams = z.object({ id: z.string().meta({ description: 'Id of the run' }) });
export const flowParams = z.object({ name: z.string().meta({ description: 'Name of the flow' }) });

export const page = {
  limit: z.coerce.number().int().min(1).max(LIST_PAGE_MAX).default(LIST_PAGE_DEFAULT),
  cursor: z.string().min(1).max(2_048).optional().meta({ description: '`next` of the page before' }),
};

export const listSchema = (item: z.ZodType) => z.object({ items: z.array(item), next: z.string().nullable() });

export const webhookState = z.object({
  n: z.int().meta({ description: 'Counted from 1, in the order of the request' }),
  url: z.string(),
  method: z.string(),
  status: z.enum(['pending', 'delivered', 'exhausted', 'gone']),
  attempts: z.int(),
});

const failure = z
  .object({
    code: z.string(),
    message: z.string(),
    node: z.string().nullable(),
    details: z.array(z.object({ field: z.string().optional(), message: z.string() })).optional(),
  })
  .meta({ id: 'Failure' });

const summary = {
  id: z.string(),
  flow: z.string(),
  version: z.string(),
  env: z.enum(['published', 'debug']),
  mode: z.enum(RUN_MODES),
  dialect: z.enum(DIALECTS),
  status: z.enum(RUN_STATUSES),
  waitingFor: z.enum(WAIT_KINDS).optional(),
  error: failure.nullable(),
  usage: z.object({ totalTokens: z.int(), cost: z.number(), currency: z.literal('USD'), steps: z.int() }),
  createdAt: time,
  startedAt: nullableTime,
  endedAt: nullableTime,
  deadlineAt: time,
  durationMs: z.int().nullable(),
  user: z.string().nullable(),
  metadata: anyObject.nullable(),
  rerunOf: z.object({ run: z.string(), from: z.enum(['start', 'failed']) }).optional(),
  parent: z.object({ run: z.string(), path: z.string() }).optional(),
};

export const runSummary = z.object(summary).meta({ id: 'RunSummary' });

/** Without inputs, outputs and deliveries: they are items of their own, which an accept and a list do not read. */
export function renderSummary(listed: Run) {
  const { inputs, outputs, webhooks, ...rest } = renderRun({ run: listed, inputs: {}, outputs: null, deliveries: [] });
  return rest;
}

export const run = z
  .object({ ...summary, inputs: anyObject, outputs: anyObject.nullable(), webhooks: z.array(webhookState) })
  .meta({ id: 'Run' });

export const nodeRun = z
  .object({
    path: z.string(),
    node: z.string(),
    type: z.string(),
    title: z.string().nullable(),
    status: z.enum(['pending', 'succeeded', 'failed', 'waiting', 'skipped']),
    handled: z.boolean().meta({ description: 'It failed, and its flow dealt with that' }),
    output: z.unknown(),
    port: z.string().nullable(),
    error: failure.nullable(),
    attempts: z.int(),
    items: z.int().nullable(),
    startedAt: nullableTime,
    endedAt: nullableTime,
    durationMs: z.int().nullable(),
    usage: z.object({ totalTokens: z.int(), cost: z.number() }).nullable(),
    wait: z.object({ kind: z.string(), until: nullableTime, prompt: z.unknown() }).nullable(),
  })
  .meta({ id: 'NodeRun' });

export const errorEnvelope = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      details: z
        .array(
          z.object({
            field: z.string().optional(),
            message: z.string(),
            line: z.int().optional(),
            column: z.int().optional(),
          }),
        )
        .optional(),
      requestId: z.string(),
    }),
  })
  .meta({ id: 'Error' });
