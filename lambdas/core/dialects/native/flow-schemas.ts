// How flows, drafts and versions are shown, and the schemas that say so.

import * as z from 'zod';
import { listParameters } from '../../flow/inputs.ts';
import { INPUT_TYPES, type Plan, type Support } from '../../flow/plan.ts';
import { MAX_UPLOAD_BYTES } from '../../limits.ts';
import type { FlowSummary, FlowVersion } from '../../ports/catalog.ts';
import { anyObject, nullableTime, time } from './render.ts';

export const support = z
  .object({
    supported: z.boolean(),
    blockers: z.array(z.object({ line: z.int(), node: z.string(), message: z.string() })),
  })
  .meta({ id: 'Support', description: 'Whether the flow can run in this mode, and what stands against it' });

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
    .meta({ description: 'In order, for a form; hidden ones are left out' }),
  schema: anyObject.meta({ description: 'JSON Schema of `inputs`' }),
  outputs: z.array(z.object({ name: z.string(), type: z.string().optional(), title: z.string().optional() })),
  files: z.object({
    maxUploadBytes: z.int().meta({ description: 'Through the API; larger files go by presigned upload' }),
  }),
});

const iso = (ms: number): string => new Date(ms).toISOString();

export function renderFlow(summary: FlowSummary): z.input<typeof flow> {
  const { name, title, enabled, latest, draft, createdAt, updatedAt } = summary;
  return {
    name,
    title: title ?? null,
    enabled,
    version: latest?.version ?? null,
    publishedAt: latest ? iso(latest.publishedAt) : null,
    draftEtag: draft?.etag ?? null,
    async: renderSupport(summary.async),
    sync: renderSupport(summary.sync),
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
}

export const renderSupport = ({ supported, blockers }: Support): Support => ({ supported, blockers });

export function renderVersion({ version, digest, publishedAt, async, sync }: FlowVersion): z.input<typeof flowVersion> {
  return { version, digest, publishedAt: iso(publishedAt), async: renderSupport(async), sync: renderSupport(sync) };
}

export function renderParameters(version: string, plan: Plan): z.input<typeof parameters> {
  const { inputs, ...shown } = listParameters(plan);
  return {
    ...shown,
    version,
    inputs: inputs.map((input) => ({ ...input })),
    files: { maxUploadBytes: MAX_UPLOAD_BYTES },
  };
}
