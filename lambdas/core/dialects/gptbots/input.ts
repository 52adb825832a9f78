// Requests, and the submissions that they become. Files are sent as a URL, or as base64 inside the input; the latter are
// stored like uploads.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { boundFlow, resolveVendorId } from '../../access/keys.ts';
import type { Submission } from '../../api/submit.ts';
import { keepFile, toReference } from '../../catalog/files.ts';
import { getFlow } from '../../catalog/flows.ts';
import { webhookSchema } from '../../deliver/targets.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import { leaveToCore } from '../dialect.ts';
import type { echoSchema } from './render.ts';

export const runBody = z.object({
  userId: z.string().max(256).nullish(),
  input: z.record(z.string(), z.unknown()),
  isAsync: z.boolean().nullish(),
  webhook: leaveToCore(z.array(webhookSchema)).optional(),
});

const MAX_RANGE_MS = 30 * 24 * 60 * 60 * 1_000;
const MAX_PAGE_SIZE = 100;

export const creditsQuery = z
  .object({
    start_time: z.coerce.number().int().min(0),
    end_time: z.coerce.number().int().min(0),
    page: z.coerce.number().int().min(1).default(1),
    page_size: z.coerce.number().int().min(1).max(MAX_PAGE_SIZE).default(10),
    run_id: z.string().optional(),
  })
  .refine(({ start_time, end_time }) => start_time <= end_time && end_time - start_time <= MAX_RANGE_MS, {
    path: ['end_time'],
    message: 'must be after start_time, by at most 30 days',
  });

export async function readSubmission(
  ports: Ports,
  caller: Caller,
  { input, isAsync, userId, webhook }: z.output<typeof runBody>,
): Promise<Submission> {
  const flow = boundFlow(caller);
  const { title = flow } = await getFlow(ports, caller.tenant.id, flow);
  return {
    flow,
    dialect: 'gptbots',
    inputs: await readFiles(ports, caller, input),
    mode: isAsync ? 'async' : 'sync',
    echo: makeEcho(caller, { flow, title }),
    ...(userId && { user: userId }),
    // Webhooks are for async runs; a sync caller gets the result in the response.
    ...(isAsync && { webhooks: webhook }),
  };
}

const makeEcho = (caller: Caller, { flow, title }: { flow: string; title: string }): z.output<typeof echoSchema> => ({
  workflowId: resolveVendorId(caller, flow),
  workflowName: title,
  creditsPerUsd: caller.tenant.creditsPerUsd,
});

const contentSchema = z.strictObject({
  format: z.string().regex(/^\w{1,10}$/),
  base64_content: z.base64(),
  name: z.string().max(255).optional(),
});
const linkSchema = z.strictObject({ format: z.string(), url: z.string(), name: z.string().optional() });

const TYPES: Record<string, string> = {
  pdf: 'application/pdf',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  csv: 'text/csv',
  html: 'text/html',
  md: 'text/markdown',
  txt: 'text/plain',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
};
const readMediaType = (format: string): string => TYPES[format.toLowerCase()] ?? 'application/octet-stream';

/** The inputs with files in our form; other values stay as they are. */
async function readFiles(ports: Ports, caller: Caller, input: Record<string, unknown>): Promise<JsonObject> {
  const entries = Object.entries(input as JsonObject).map(async ([name, value]) => {
    const read = Array.isArray(value)
      ? await Promise.all(value.map((item) => readFile(ports, caller, item)))
      : await readFile(ports, caller, value);
    return [name, read];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function readFile(ports: Ports, { tenant }: Caller, value: Json): Promise<Json> {
  const link = linkSchema.safeParse(value);
  if (link.success) return { url: link.data.url, type: readMediaType(link.data.format) };
  const content = contentSchema.safeParse(value);
  if (!content.success) return value;
  const { format, base64_content, name = `file.${format}` } = content.data;
  const bytes = Buffer.from(base64_content, 'base64');
  return toReference(await keepFile(ports, tenant.id, { name, type: readMediaType(format), bytes }));
}
