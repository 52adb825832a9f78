// A kind describes its fields once. From this come two schemas: of the fields as an author writes them (any may be an
// expression) and of the evaluated values that `run` gets. An expression can yield anything, so the second check matters.

import * as z from 'zod';
import { orExpression } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { failed, type Outcome } from './node-kind.ts';

type Fields = Record<string, z.ZodType>;

const allowExpression = (field: z.ZodType): z.ZodType =>
  field instanceof z.ZodOptional ? orExpression(field.unwrap() as z.ZodType).optional() : orExpression(field);

/** Schema of `with` as an author writes it. `literal` replaces fields that take no expression, or are written differently. */
export function asWritten(fields: Fields, literal: Fields = {}): z.ZodObject {
  const written = Object.entries(fields).map(([name, field]) => [name, literal[name] ?? allowExpression(field)]);
  return z.strictObject(Object.fromEntries(written));
}

const dropNulls = (input: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));

/** The evaluated input, or the failure that names each wrong field. A field whose expression gave null counts as absent. */
export function readInput<T>(schema: z.ZodType<T>, input: JsonObject): { input: T } | { refused: Outcome } {
  const parsed = schema.safeParse(dropNulls(input));
  if (parsed.success) return { input: parsed.data };
  const details = parsed.error.issues.map((issue) => ({
    field: ['with', ...issue.path].join('.'),
    message: issue.message,
  }));
  const message = `Invalid input: ${details.map((detail) => `${detail.field}: ${detail.message}`).join('; ')}`;
  return { refused: failed('node-failed', message, { details }) };
}
