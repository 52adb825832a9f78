// What native calls return: runs, node runs, flows and their versions, with the schemas that check and document them.

import * as z from 'zod';
import { listParameters } from '../../flow/inputs.ts';
import { INPUT_TYPES, type Plan, type Support } from '../../flow/plan.ts';
import { MAX_UPLOAD_BYTES } from '../../limits.ts';
import type { FlowSummary, FlowVersion } from '../../ports/catalog.ts';
import { DIALECTS, RUN_MODES, RUN_STATUSES, type Run, WAIT_KINDS } from '../../run.ts';
import { renderRun } from '../../runs/run-view.ts';

export const toIso = (ms: number): string => new Date(ms).toISOString();

export const time = z.iso.datetime();
export const nullableTime = time.nullable();
export const anyObject = z.record(z.string(), z.unknown());

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
  rerunOf: z.object({ run: z.string(), from: z.string() }).optional(),
  parent: z.object({ run: z.string(), path: z.string() }).optional(),
};

export const runSummary = z.object(summary).meta({ id: 'RunSummary' });

/** Without inputs, outputs and deliveries: they are items of their own, which are not read to accept or list runs. */
export function renderSummary(accepted: Run) {
  const { inputs, outputs, webhooks, ...rest } = renderRun({
    run: accepted,
    inputs: {},
    outputs: null,
    deliveries: [],
  });
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
    handled: z.boolean().meta({ description: 'It failed, and the flow handled the error' }),
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

export const support = z
  .object({
    supported: z.boolean(),
    blockers: z.array(z.object({ line: z.int(), node: z.string(), message: z.string() })),
  })
  .meta({ id: 'Support', description: 'Whether the flow can run in this mode, and what prevents it' });

export const flowProblem = z.object({
  line: z.int(),
  column: z.int(),
  message: z.string(),
  severity: z.enum(['error', 'warning']),
});

export const flow = z
  .object({
    name: z.string(),
    title: z.string().nullable(),
    enabled: z.boolean(),
    version: z.string().nullable().meta({ description: 'Newest published version' }),
    publishedAt: nullableTime,
    draftEtag: z.string().nullable(),
    async: support,
    sync: support,
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Flow' });

export const flowVersion = z
  .object({ version: z.string(), digest: z.string(), publishedAt: time, async: support, sync: support })
  .meta({ id: 'FlowVersion' });

export const parameters = z.object({
  name: z.string(),
  version: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputs: z
    .array(z.looseObject({ name: z.string(), type: z.enum(INPUT_TYPES), required: z.boolean().optional() }))
    .meta({ description: 'In order, for a form; without hidden inputs' }),
  schema: anyObject.meta({ description: 'JSON Schema of `inputs`' }),
  outputs: z.array(z.object({ name: z.string(), type: z.string().optional(), title: z.string().optional() })),
  files: z.object({
    maxUploadBytes: z.int().meta({ description: 'Through the API; larger files need a presigned upload' }),
  }),
});

export function renderFlow(summary: FlowSummary): z.input<typeof flow> {
  const { name, title, enabled, latest, draft, createdAt, updatedAt } = summary;
  return {
    name,
    title: title ?? null,
    enabled,
    version: latest?.version ?? null,
    publishedAt: latest ? toIso(latest.publishedAt) : null,
    draftEtag: draft?.etag ?? null,
    async: renderSupport(summary.async),
    sync: renderSupport(summary.sync),
    createdAt: toIso(createdAt),
    updatedAt: toIso(updatedAt),
  };
}

export const renderSupport = ({ supported, blockers }: Support): Support => ({ supported, blockers });

export function renderVersion({ version, digest, publishedAt, async, sync }: FlowVersion): z.input<typeof flowVersion> {
  return { version, digest, publishedAt: toIso(publishedAt), async: renderSupport(async), sync: renderSupport(sync) };
}

export function renderParameters(version: string, plan: Plan): z.input<typeof parameters> {
  const { inputs, ...rest } = listParameters(plan);
  return {
    ...rest,
    version,
    inputs: inputs.map((input) => ({ ...input })),
    files: { maxUploadBytes: MAX_UPLOAD_BYTES },
  };
}
