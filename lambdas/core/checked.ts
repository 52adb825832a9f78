// From the issues of a schema to sentences that name the field as the caller wrote it.

import * as z from 'zod';
import { type ErrorDetail, PlatformError } from './errors.ts';
import { didYouMean } from './expressions/suggest.ts';

const MAX_DETAILS = 20;
const MAX_FIELD_CHARS = 200;

/** `webhooks[2].url` */
function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, step) => (typeof step === 'number' ? `${name}[${step}]` : `${name}${name === '' ? '' : '.'}${String(step)}`),
    '',
  );
}

/** The object schema at a path, seen through lists, options and defaults. */
function shapeAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let current: unknown = schema;
  const unwrap = () => {
    while (current instanceof z.ZodOptional || current instanceof z.ZodDefault || current instanceof z.ZodNullable) {
      current = current.unwrap();
    }
  };
  unwrap();
  for (const step of path) {
    if (current instanceof z.ZodObject) current = current.shape[String(step)];
    else if (current instanceof z.ZodArray) current = current.element;
    else return [];
    unwrap();
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unknownFields(schema: z.ZodType, path: readonly PropertyKey[], keys: readonly string[]): ErrorDetail[] {
  const known = shapeAt(schema, path);
  return keys.map((key) => ({
    field: fieldName([...path, key]).slice(0, MAX_FIELD_CHARS),
    message: `There is no such field${didYouMean(key, known)}`,
  }));
}

function detailsOf(schema: z.ZodType, error: z.ZodError): ErrorDetail[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return unknownFields(schema, issue.path, issue.keys);
    const field = fieldName(issue.path);
    return [{ ...(field !== '' && { field }), message: issue.message }];
  });
}

/** The checked value, or `invalid-request` with one detail per field; the message repeats the first. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const details = detailsOf(schema, parsed.error).slice(0, MAX_DETAILS);
  const [first] = details;
  const where = first?.field === undefined ? '' : `${first.field}: `;
  throw new PlatformError('invalid-request', `${where}${first?.message ?? 'The request is malformed'}`, { details });
}
