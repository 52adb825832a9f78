// From the issues of a schema to sentences that name the field as the caller wrote it.

import * as z from 'zod';
import { type ErrorDetail, PlatformError } from '../core/errors.ts';

const MAX_DETAILS = 20;

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

/** Edits between two words, counting a swap of neighbours as one. */
function distance(a: string, b: string): number {
  let previous: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (previous[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    previous = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

function closest(word: string, known: string[]): string | undefined {
  if (word.length > 64) return undefined;
  const ranked = known
    .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best && best.edits <= Math.max(1, Math.floor(word.length / 3)) ? best.name : undefined;
}

function unknownFields(schema: z.ZodType, path: readonly PropertyKey[], keys: readonly string[]): ErrorDetail[] {
  const known = shapeAt(schema, path);
  return keys.map((key) => {
    const suggestion = closest(key, known);
    const hint = suggestion ? ` (did you mean '${suggestion}'?)` : '';
    return { field: fieldName([...path, key]).slice(0, 200), message: `There is no such field${hint}` };
  });
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
