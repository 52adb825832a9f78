// Requests to run the workflow of the key, and the submissions that they become. Files are inside the inputs or beside them.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { boundFlow } from '../../access/keys.ts';
import type { Submission } from '../../api/submit.ts';
import type { Offer } from '../../flow/inputs.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';
import { readFormValue } from './form-values.ts';

const fileSchema = z.looseObject({
  type: z.string().nullish(),
  transfer_method: z.enum(['remote_url', 'local_file']),
  url: z.string().nullish(),
  upload_file_id: z.string().nullish(),
});

export const runBody = z.object({
  inputs: z.record(z.string(), z.json()),
  response_mode: z.enum(['blocking', 'streaming']).nullish(),
  user: z.string().min(1).max(256),
  files: z.array(fileSchema).nullish(),
  trace_id: z.string().max(256).nullish(),
});
export type RunBody = z.output<typeof runBody>;

export const readSubmission = (caller: Caller, body: RunBody): Submission => ({
  flow: boundFlow(caller),
  inputs: {},
  offers: readOffers(body),
  mode: body.response_mode === 'streaming' ? 'stream' : 'sync',
  dialect: 'dify',
  user: body.user,
});

/** As in Dify, values for which the form has no field are ignored. */
function readOffers({ inputs, files }: RunBody): Offer[] {
  const offers = Object.entries(inputs).map(
    ([name, value]): Offer => ({
      names: [name],
      value: (spec) => readFormValue(name, readFiles(value as Json), spec),
    }),
  );
  if (files && files.length > 0) offers.push({ names: ['files', '_sys_file_urls'], value: offerFiles(files) });
  return offers;
}

/** A file in our form: a URL, or the id of an upload. */
function readFile({ transfer_method, url, upload_file_id }: z.output<typeof fileSchema>): JsonObject {
  return transfer_method === 'remote_url' ? { url: url ?? '' } : { id: upload_file_id ?? '' };
}

/** An input value with its files in our form: the value is a file, or a list of files. */
function readFiles(value: Json): Json {
  if (Array.isArray(value)) return value.map(readFiles);
  const file = fileSchema.safeParse(value);
  return file.success ? readFile(file.data) : value;
}

const offerFiles =
  (files: readonly z.output<typeof fileSchema>[]) =>
  ({ type }: InputSpec): Json => {
    const read = files.map(readFile);
    return type === 'file' ? (read[0] ?? null) : read;
  };
