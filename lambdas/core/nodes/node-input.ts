// One description of a kind's fields serves twice: as an author writes them (any may be an expression) and as `run`
// gets them, evaluated. An expression can yield anything, so the second check is where wrong values are caught.

import * as z from 'zod';
import { orExpression } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { failed, type Outcome } from './node-kind.ts';

type Fields = Record<string, z.ZodType>;

const authored = (field: z.ZodType): z.ZodType =>
  field instanceof z.ZodOptional ? orExpression(field.unwrap() as z.ZodType).optional() : orExpression(field);

/** Schema of `with` as an author writes it. `literal` replaces fields that take no expression, or are written differently. */
export function asWritten(fields: Fields, literal: Fields = {}): z.ZodObject {
  const written = Object.entries(fields).map(([name, field]) => [name, literal[name] ?? authored(field)]);
  return z.strictObject(Object.fromEntries(written));
}

const withoutNulls = (input: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));

/** The evaluated input, or the failure that names each wrong field. An expression that found nothing leaves its field out. */
export function readInput<T>(schema: z.ZodType<T>, input: JsonObject): { input: T } | { refused: Outcome } {
  const parsed = schema.safeParse(withoutNulls(input));
  if (parsed.success) return { input: parsed.data };
  const details = parsed.error.issues.map((issue) => ({
    field: ['with', ...issue.path].join('.'),
    message: issue.message,
  }));
  const message = `Wrong input: ${details.map((detail) => `${detail.field}: ${detail.message}`).join('; ')}`;
  return { refused: failed('node-failed', message, { details }) };
}
