// What a node kind is given: its `with`, evaluated as the kind wants each field.

import { evaluateDeep } from '../expressions/evaluate.ts';
import type { Json, JsonObject } from '../json.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Bindings } from './bindings.ts';

/** Raw fields stay as written, strings of bare fields are expressions, everywhere else `${{ }}` is evaluated. */
export async function evaluateInput(kind: NodeKind, source: JsonObject, bindings: Bindings): Promise<JsonObject> {
  const raw = new Set(kind.rawFields ?? []);
  const marked = (kind.bareFields ?? []).reduce<JsonObject>((all, path) => markBare(all, path.split('.')), source);
  const entries = await Promise.all(
    Object.entries(marked).map(async ([field, value]) => [
      field,
      raw.has(field) ? value : await evaluateDeep(value, bindings),
    ]),
  );
  return Object.fromEntries(entries) as JsonObject;
}

/** `cases[].when` marks `when` of every case as an expression. */
function markBare(value: JsonObject, [step = '', ...rest]: string[]): JsonObject {
  const field = step.replace('[]', '');
  const found = value[field];
  if (found === undefined) return value;
  const inner = (it: Json): Json => {
    if (rest.length > 0) return isObject(it) ? markBare(it, rest) : it;
    return typeof it === 'string' && !it.includes('${{') ? `\${{ ${it} }}` : it;
  };
  return { ...value, [field]: step.endsWith('[]') && Array.isArray(found) ? found.map(inner) : inner(found) };
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
