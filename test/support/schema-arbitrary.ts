// Random values that match a JSON Schema closely enough for a fuzzer: keywords that are not read here are ignored.

import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../lambdas/core/json.ts';

const MAX_DEPTH = 4;

type Arb = fc.Arbitrary<unknown>;

const anything: Arb = fc.jsonValue({ maxDepth: 2 });

/** `definitions` are `components.schemas`. */
export function makeArbitrary(schema: Json | undefined, definitions: JsonObject = {}, depth = 0): Arb {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return anything;
  if (depth > MAX_DEPTH) return fc.constant(null);
  const inner = (it: Json | undefined) => makeArbitrary(it, definitions, depth + 1);
  const { $ref, const: only, enum: values, anyOf, oneOf, allOf } = schema;
  if (typeof $ref === 'string') return inner(definitions[$ref.replace('#/components/schemas/', '')]);
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(values)) return fc.constantFrom(...values);
  const choices = anyOf ?? oneOf ?? allOf;
  if (Array.isArray(choices) && choices.length > 0) return fc.oneof(...choices.map(inner));
  return makeTyped(schema, inner);
}

function makeTyped(schema: JsonObject, inner: (schema: Json | undefined) => Arb): Arb {
  switch (Array.isArray(schema['type']) ? schema['type'][0] : schema['type']) {
    case 'string':
      return makeText(schema);
    case 'integer':
      return fc.integer({ min: readBound(schema['minimum'], -1_000), max: readBound(schema['maximum'], 100_000) });
    case 'number':
      return fc.double({
        min: readBound(schema['minimum'], -1e9),
        max: readBound(schema['maximum'], 1e9),
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(inner(schema['items']), { maxLength: 3 });
    case 'object':
      return makeObject(schema, inner);
    default:
      return anything;
  }
}

const readBound = (value: Json | undefined, otherwise: number): number =>
  typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : otherwise;

function makeText({ pattern, format, minLength, maxLength }: JsonObject): Arb {
  if (format === 'date-time') {
    const range = { min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true };
    return fc.date(range).map((date) => date.toISOString());
  }
  const shortest = readBound(minLength, 0);
  const plain = fc.string({
    minLength: shortest,
    maxLength: Math.max(shortest, Math.min(readBound(maxLength, 20), 20)),
  });
  // fast-check has no lookahead.
  if (typeof pattern !== 'string' || pattern.includes('(?')) return plain;
  return fc.oneof(fc.stringMatching(new RegExp(pattern)), plain);
}

function makeObject(schema: JsonObject, inner: (schema: Json | undefined) => Arb): Arb {
  const properties = Object.entries((schema['properties'] ?? {}) as JsonObject);
  const requiredKeys = (schema['required'] ?? []) as string[];
  const named = fc.record(Object.fromEntries(properties.map(([name, it]) => [name, inner(it)])), { requiredKeys });
  const more = schema['additionalProperties'];
  if (typeof more !== 'object' || properties.length > 0) return named;
  return fc.dictionary(fc.string({ maxLength: 8 }), inner(more), { maxKeys: 3 });
}
