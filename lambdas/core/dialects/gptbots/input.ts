// Files as GPTBots' clients send them: by address, or as base64 within the input. The latter are kept like uploads.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { keepFile, toReference } from '../../catalog/files.ts';
import type { Json } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';

const contentSchema = z.strictObject({
  format: z.string().regex(/^\w{1,10}$/),
  base64_content: z.base64(),
  name: z.string().max(255).optional(),
});
const addressSchema = z.strictObject({ format: z.string(), url: z.string(), name: z.string().optional() });

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
const typeOf = (format: string): string => TYPES[format.toLowerCase()] ?? 'application/octet-stream';

/** What is no file stays as it is. */
export async function withContents(
  ports: Ports,
  caller: Caller,
  input: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(input).map(async ([name, value]) => {
    const given = value as Json;
    const made = Array.isArray(given)
      ? await Promise.all(given.map((item) => toFile(ports, caller, item)))
      : await toFile(ports, caller, given);
    return [name, made];
  });
  return Object.fromEntries(await Promise.all(entries));
}

async function toFile(ports: Ports, { tenant }: Caller, value: Json): Promise<Json> {
  const address = addressSchema.safeParse(value);
  if (address.success) return { url: address.data.url, type: typeOf(address.data.format) };
  const content = contentSchema.safeParse(value);
  if (!content.success) return value;
  const { format, base64_content, name = `file.${format}` } = content.data;
  const bytes = Buffer.from(base64_content, 'base64');
  return toReference(await keepFile(ports, tenant.id, { name, type: typeOf(format), bytes }));
}
