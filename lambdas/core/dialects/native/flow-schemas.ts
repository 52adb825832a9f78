// How flows, drafts and versions are shown, and the schemas that say so.

import * as z from 'zod';
import { INPUT_TYPES, type InputSpec, type Support } from '../../flow/plan.ts';
import { MAX_UPLOAD_BYTES } from '../../limits.ts';
import type { FlowSummary, FlowVersion } from '../../ports.ts';
import { nullableTime, time } from './schemas.ts';

export const support = z
  .object({
    supported: z.boolean(),
    blockers: z.array(z.object({ line: z.int(), node: z.string(), message: z.string() })),
  })
  .meta({ id: 'Support', description: 'Whether the flow can run in this mode, and what stands against it' });

export const problem = z.object({
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
  flow: z.string(),
  version: z.string(),
  inputs: z.array(
    z.looseObject({
      name: z.string(),
      type: z.enum(INPUT_TYPES),
      required: z.boolean(),
      title: z.string().optional(),
      default: z.unknown().optional(),
    }),
  ),
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

/** What a form or a client needs of the inputs; hidden ones are set by callers who know them. */
export function renderParameters(
  of: { flow: string; version: string },
  inputs: Record<string, InputSpec>,
): z.input<typeof parameters> {
  const shown = Object.entries(inputs).filter(([, { hidden }]) => !hidden);
  return {
    ...of,
    inputs: shown.map(([name, { hidden, required = false, ...spec }]) => ({ name, required, ...spec })),
    files: { maxUploadBytes: MAX_UPLOAD_BYTES },
  };
}
