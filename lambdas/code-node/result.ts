// The result of main as plain JSON, or an error that says which part of it is not JSON.

import type { Json, JsonObject } from '../core/json.ts';

export class WrongResult extends Error {}

// Kept from before the code may replace them.
const { isArray } = Array;
const isNumber = Number.isFinite;
const { entries, fromEntries } = Object;
const readTag = Function.prototype.call.bind(Object.prototype.toString);

/** What JSON.stringify drops or writes as something else, it refuses; properties without a value are left out. */
export function toJson(result: unknown, depth: number): JsonObject {
  if (result === undefined || result === null) throw new WrongResult('main returned nothing; it must return an object');
  const plain = isArray(result) ? undefined : convert(result, { path: 'result', depth });
  if (typeof plain === 'object' && plain !== null && !isArray(plain)) return plain;
  const type = isArray(result) ? 'list' : typeof result;
  throw new WrongResult(`main returned a value of type ${type}; it must return an object`);
}

interface At {
  path: string;
  /** Levels that are left. */
  depth: number;
}

function convert(value: unknown, at: At): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (isNumber(value)) return value;
      throw new WrongResult(`${at.path} is ${value}, which JSON does not have`);
    case 'bigint':
      throw new WrongResult(`${at.path} is of type bigint, which JSON does not have: give it as text`);
    case 'object':
      return value === null ? null : convertObject(value, at);
    default:
      throw new WrongResult(`${at.path} is of type ${typeof value}, which JSON does not have`);
  }
}

function convertObject(value: object, { path, depth }: At): Json {
  if (depth === 0) throw new WrongResult('it is nested too deeply, or holds itself');
  if (isArray(value)) {
    return value.map((item: unknown, index) =>
      item === undefined ? null : convert(item, { path: `${path}[${index}]`, depth: depth - 1 }),
    );
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function' && !(value instanceof Uint8Array)) {
    return convert(toJSON.call(value), { path, depth: depth - 1 });
  }
  const tag = readTag(value).slice('[object '.length, -1);
  if (tag !== 'Object') throw new WrongResult(`${path} is of type ${tag}, which JSON does not have`);
  const kept = entries(value).filter(([, item]) => item !== undefined);
  return fromEntries(kept.map(([key, item]) => [key, convert(item, { path: `${path}.${key}`, depth: depth - 1 })]));
}
