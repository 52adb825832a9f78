// The JSON Schema of an object or array input: a value is checked by it. Loaded only where an input has one.

import * as z from 'zod';
import type { Json, JsonObject } from '../json.ts';

const schemas = new WeakMap<JsonObject, z.ZodType>();

/** Messages that begin with a verb, to follow the name of the input. */
export function findSchemaProblems(schema: JsonObject, value: Json): string[] {
  const parsed = toZod(schema).safeParse(value);
  return (parsed.error?.issues ?? []).slice(0, 10).map((issue) => {
    const where = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
    return `does not fit its schema${where && ` at ${where.replace(/^\./, '')}`}: ${issue.message}`;
  });
}

/** Throws an Error where the schema uses what cannot be checked here. */
export function toZod(schema: JsonObject): z.ZodType {
  const known = schemas.get(schema);
  if (known !== undefined) return known;
  refuseUnsafe(schema);
  let made: z.ZodType;
  try {
    made = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  } catch (error) {
    throw new Error(`the schema cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
  schemas.set(schema, made);
  return made;
}

// A pattern would run on the regex engine of JavaScript, which backtracks; references may form a cycle.
const UNSAFE = ['pattern', 'patternProperties', '$ref', '$dynamicRef'];

function refuseUnsafe(schema: Json, isNames = false): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [key, value] of Object.entries(schema)) {
    if (!isNames && UNSAFE.includes(key)) throw new Error(`'${key}' cannot be used in a schema`);
    // Inside `properties` the keys are the author's names.
    refuseUnsafe(value, !isNames && key === 'properties');
  }
}
