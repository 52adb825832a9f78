// Files as Dify's clients send them, inside inputs and beside them.

import * as z from 'zod';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';

export const fileSchema = z.looseObject({
  type: z.string().nullish(),
  transfer_method: z.enum(['remote_url', 'local_file']),
  url: z.string().nullish(),
  upload_file_id: z.string().nullish(),
});

/** Ours: by address, or by the id of an upload. */
export function readFile({ transfer_method, url, upload_file_id }: z.output<typeof fileSchema>): JsonObject {
  return transfer_method === 'remote_url' ? { url: url ?? '' } : { id: upload_file_id ?? '' };
}

/** A file, or a list of them, anywhere in an input value. */
export function readFiles(value: Json): Json {
  if (Array.isArray(value)) return value.map(readFiles);
  const file = fileSchema.safeParse(value);
  return file.success ? readFile(file.data) : value;
}

export const offerFiles =
  (files: readonly z.output<typeof fileSchema>[]) =>
  ({ type }: InputSpec): Json => {
    const ours = files.map(readFile);
    return type === 'file' ? (ours[0] ?? null) : ours;
  };
