// Checks a value against a schema. The rejection names each wrong field as the caller wrote it.

import type * as z from 'zod';
import { ApiError, type ErrorDetail } from '../errors.ts';
import { suggest } from './suggest.ts';
import { describeIssue, listKnownKeys, readAt } from './zod-messages.ts';

const MAX_DETAILS = 20;
const MAX_FIELD_CHARS = 200;

type Path = (string | number)[];

/** `webhooks[2].url` */
function joinPath(path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
  return steps.join('').replace(/^\./, '').slice(0, MAX_FIELD_CHARS);
}

function toDetails(schema: z.ZodType, value: unknown, issue: z.core.$ZodIssue): ErrorDetail[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const known = listKnownKeys(schema, path);
    return issue.keys.map((key) => ({
      field: joinPath([...path, key]),
      message: `is not a field of this request${suggest(key, known)}`,
    }));
  }
  const field = joinPath(path);
  return [{ ...(field !== '' && { field }), message: describeIssue(issue, readAt(value, path)) }];
}

/** One detail per field; the message repeats the first. */
export function parseOrReject<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.flatMap((issue) => toDetails(schema, value, issue)).slice(0, MAX_DETAILS);
  const [first] = details;
  throw new ApiError('invalid-request', first && `${first.field ?? 'The body'} ${first.message}`, { details });
}
