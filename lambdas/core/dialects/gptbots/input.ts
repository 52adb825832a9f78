// Requests, and the submissions that they become. Files are sent as a URL, or as base64 inside the input; the latter are
// stored like uploads.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { boundFlow, resolveVendorId } from '../../access/keys.ts';
import { fitsRunRecord, type Submission } from '../../api/submit.ts';
import { keepFile, toReference } from '../../catalog/files.ts';
import { getFlow, resolveVersion } from '../../catalog/flows.ts';
import { webhookSchema } from '../../deliver/targets.ts';
import { ApiError } from '../../errors.ts';
import { validateInputs } from '../../flow/inputs.ts';
import type { Json, JsonObject } from '../../json.ts';
import { parseOrReject } from '../../parse/parse-or-reject.ts';
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
  if (isAsync) parseOrReject(webhookList, { webhook });
  const { title = flow } = await getFlow(ports, caller.tenant.id, flow);
  const read = await keepFiles(ports, caller, { flow, input: input as JsonObject });
  return {
    flow,
    dialect: 'gptbots',
    inputs: mapValues(read, ({ value }) => value),
    mode: isAsync ? 'async' : 'sync',
    echo: makeEcho(caller, { flow, title, input: mapValues(read, ({ repeated }) => repeated) }),
    ...(userId && { user: userId }),
    // Webhooks are for async runs; a sync caller gets the result in the response.
    ...(isAsync && { webhooks: webhook }),
  };
}

// The vendor requires the method; the core would fill it in.
const webhookList = z.object({
  webhook: z.array(webhookSchema.extend({ method: webhookSchema.shape.method.unwrap() })).nullish(),
});

type Echo = z.output<typeof echoSchema>;

function makeEcho(caller: Caller, repeated: { flow: string; title: string; input: JsonObject }): Echo & JsonObject {
  const head = {
    workflowId: resolveVendorId(caller, repeated.flow),
    workflowName: repeated.title,
    creditsPerUsd: caller.tenant.creditsPerUsd,
  };
  const forms = [
    { ...head, input: repeated.input },
    { ...head, sent: Object.keys(repeated.input) },
  ];
  return forms.find(fitsRunRecord) ?? head;
}

const contentSchema = z.strictObject({
  format: z.string().regex(/^\w{1,10}$/),
  base64_content: z.base64('must be base64'),
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

/** A value of the input as the core takes it, and as results repeat it. */
interface ReadValue {
  value: Json;
  repeated: Json;
}

const mapValues = <Value>(all: Record<string, Value>, map: (value: Value) => Json): JsonObject =>
  Object.fromEntries(Object.entries(all).map(([name, value]) => [name, map(value)]));

type Keep = (file: { name: string; type: string; bytes: Uint8Array }) => Promise<JsonObject>;

/** Files are kept only where the input fits the flow: a refused call leaves nothing behind. */
async function keepFiles(
  ports: Ports,
  { tenant }: Caller,
  { flow, input }: { flow: string; input: JsonObject },
): Promise<Record<string, ReadValue>> {
  let count = 0;
  const preview = await readFiles(input, async ({ name, type, bytes }) => {
    count += 1;
    return { id: `${count}`, name, type, size: bytes.length };
  });
  if (count === 0) return preview;
  const { plan } = await resolveVersion(ports, tenant.id, flow, {});
  await validateInputs(
    plan.inputs,
    mapValues(preview, ({ value }) => value),
  );
  return readFiles(input, async (file) => toReference(await keepFile(ports, tenant.id, file)));
}

/** The inputs with files in our form; other values stay as they are. */
async function readFiles(input: JsonObject, keep: Keep): Promise<Record<string, ReadValue>> {
  const entries = Object.entries(input).map(async ([name, value]) => {
    const field = `input.${name}`;
    if (!Array.isArray(value)) return [name, await readFile({ value, field }, keep)] as const;
    const items = await Promise.all(
      value.map((item, index) => readFile({ value: item, field: `${field}[${index}]` }, keep)),
    );
    return [name, { value: items.map((it) => it.value), repeated: items.map((it) => it.repeated) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function readFile(from: { value: Json; field: string }, keep: Keep): Promise<ReadValue> {
  const { value } = from;
  const link = linkSchema.safeParse(value);
  if (link.success) return { value: { url: link.data.url, type: readMediaType(link.data.format) }, repeated: value };
  const content = contentSchema.safeParse(value);
  if (!content.success) {
    refuseContent(content.error, from);
    return { value, repeated: value };
  }
  const { format, base64_content, name = `file.${format}` } = content.data;
  const bytes = Buffer.from(base64_content, 'base64');
  const reference = await keep({ name, type: readMediaType(format), bytes });
  // Its bytes are kept once, as an upload.
  return { value: reference, repeated: { format, ...reference } };
}

/** What is a file but for its content; other objects are values of the flow's own. */
function refuseContent({ issues }: z.ZodError, { field }: { field: string }): void {
  if (!issues.every(({ path }) => path[0] === 'base64_content')) return;
  const name = `${field}.base64_content`;
  const message = 'must be base64';
  throw new ApiError('invalid-inputs', `${name} ${message}`, { details: [{ field: name, message }] });
}
