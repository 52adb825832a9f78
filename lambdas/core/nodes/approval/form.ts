// Forms for people: how an author declares the fields, and whether an answer fits them.

import * as z from 'zod';
import type { ErrorDetail } from '../../errors.ts';
import { anyValue, ID } from '../../flow/fields.ts';
import { findValueProblems } from '../../flow/input-values.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';

const MAX_FORM_FIELDS = 32;
const TYPES = ['string', 'text', 'number', 'integer', 'boolean', 'enum'] as const;

const field = z.strictObject({
  type: z.enum(TYPES),
  title: z.string().max(200).optional(),
  required: z.boolean().optional(),
  default: anyValue.optional(),
  options: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .max(100)
    .optional(),
  maxLength: z.int().min(1).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
});

/** By name, as the inputs of a flow. */
export const formShape = z
  .record(z.string().regex(ID), field)
  .refine((fields) => Object.keys(fields).length <= MAX_FORM_FIELDS, {
    error: `has more than ${MAX_FORM_FIELDS} fields`,
  });

type Form = Record<string, Omit<InputSpec, 'type'> & Pick<InputSpec, 'type'>>;

/** As a list, because JSON objects have no order. */
export function listFields(form: Json | undefined): JsonObject[] {
  return Object.entries((form ?? {}) as JsonObject).map(([name, spec]) => ({ name, ...(spec as JsonObject) }));
}

/** What is wrong with the answers, `form.reason` and so on. */
export async function findFormProblems(form: Json | undefined, answers: Json | undefined): Promise<ErrorDetail[]> {
  const fields = (form ?? {}) as Form;
  if (answers !== undefined && answers !== null && (typeof answers !== 'object' || Array.isArray(answers))) {
    return [{ field: 'form', message: 'must be an object' }];
  }
  const values = (answers ?? {}) as JsonObject;
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(fields, name));
  const details = unknown.map(
    (name): ErrorDetail => ({ field: `form.${name}`, message: 'is not a field of the form' }),
  );
  for (const [name, spec] of Object.entries(fields)) {
    const value = values[name] ?? null;
    if (value === null && spec.required) details.push({ field: `form.${name}`, message: 'is required' });
    const wrong = value === null ? [] : await findValueProblems(spec, value);
    details.push(...wrong.map((message) => ({ field: `form.${name}`, message })));
  }
  return details;
}

/** The answers, with defaults for absent ones. */
export function fillForm(form: Json | undefined, answers: Json | undefined): JsonObject {
  const values = (answers ?? {}) as JsonObject;
  const entries = Object.entries((form ?? {}) as Form).map(([name, spec]) => [
    name,
    values[name] ?? spec.default ?? null,
  ]);
  return Object.fromEntries(entries);
}
