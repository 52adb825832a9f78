// How large a value is when it is written out, and a fresh copy of it that holds nothing but JSON.
// Values that JSONata builds may share parts, so a few steps could describe more text than any memory holds.

import type { Json, JsonObject } from '../json.ts';
import { MAX_PAYLOAD_BYTES } from '../limits.ts';

// Characters of text, and for everything else about what it takes in memory.
const MAX_WEIGHT = MAX_PAYLOAD_BYTES;
const PIECE_WEIGHT = 8;
// Three times the depth of a request: an expression may wrap values, but not nest them without limit.
const MAX_DEPTH = 192;

// Items and fields of all values that one evaluation builds, including those that it drops again.
const MAX_PIECES = 2_000_000;

interface Measure {
  weight: number;
  depth: number;
}

export type Meter = (value: unknown) => void;

/** Objects already measured are not visited again. */
interface Measured {
  known: Map<object, Measure>;
  pieces: number;
}

/** The meter of one evaluation: throws on a value that is too large or too deep, and when there are too many of them. */
export function makeMeter(): Meter {
  const measured: Measured = { known: new Map(), pieces: 0 };
  return (value) => {
    if (measure(value, measured, 0).weight > MAX_WEIGHT) throw tooLarge();
  };
}

function measure(value: unknown, measured: Measured, level: number): Measure {
  if (typeof value === 'string') return { weight: value.length + PIECE_WEIGHT, depth: 0 };
  if (!isComposite(value)) return { weight: PIECE_WEIGHT, depth: 0 };
  const before = measured.known.get(value);
  if (before !== undefined) return before;
  if (level > MAX_DEPTH) throw tooDeep();
  const total = { weight: PIECE_WEIGHT, depth: 0 };
  const parts: unknown[] = Array.isArray(value) ? value : Object.values(value);
  measured.pieces += parts.length;
  if (measured.pieces > MAX_PIECES) throw new Error('it builds too many values');
  for (const part of parts) {
    const { weight, depth } = measure(part, measured, level + 1);
    total.weight += weight;
    total.depth = Math.max(total.depth, depth + 1);
    if (total.weight > MAX_WEIGHT) throw tooLarge();
    if (total.depth > MAX_DEPTH) throw tooDeep();
  }
  measured.known.set(value, total);
  return total;
}

/**
 * A copy that shares nothing with the value. Gaps become null, and a key `__proto__` is left out. Throws on what JSON does
 * not have: functions, and numbers that are not finite.
 */
export function copyJson(value: unknown): Json {
  return copy(value, { weight: 0 }, 0);
}

function copy(value: unknown, total: { weight: number }, level: number): Json {
  total.weight += typeof value === 'string' ? value.length + PIECE_WEIGHT : PIECE_WEIGHT;
  if (total.weight > MAX_WEIGHT) throw tooLarge();
  if (!isComposite(value)) return copyScalar(value);
  if (level > MAX_DEPTH) throw tooDeep();
  if (Array.isArray(value)) return Array.from(value, (item) => copy(item, total, level + 1));
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== '__proto__' && item !== undefined) result[key] = copy(item, total, level + 1);
  }
  return result;
}

function copyScalar(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value !== 'number') throw new Error('it gives a function, which is not a value: call it with ( )');
  if (!Number.isFinite(value)) throw new Error(`it gives ${value}, a number that JSON does not have`);
  return value;
}

/** A list or an object, not a function of JSONata (which is an object, too). */
function isComposite(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isFunction(value as Record<string, unknown>);
}

/** Data may have fields of these names, but holds no function of JavaScript. */
function isFunction({ _jsonata_lambda, _jsonata_function, environment, implementation }: Record<string, unknown>) {
  if (_jsonata_function === true) return typeof implementation === 'function';
  return _jsonata_lambda === true && typeof (environment as { lookup?: unknown } | null)?.lookup === 'function';
}

function tooLarge(): Error {
  return new Error(`a value has more than ${MAX_WEIGHT} characters`);
}

function tooDeep(): Error {
  return new Error(`a value is nested more than ${MAX_DEPTH} levels deep`);
}

/** Whether the value takes more bytes than that as JSON. A text of all of it is written only where that is not clear before. */
export function isLargerThan(value: Json, limit: number): boolean {
  const total = { bytes: 0 };
  addLeast(value, total, limit);
  return total.bytes > limit || Buffer.byteLength(JSON.stringify(value)) > limit;
}

/** Adds what the value takes at least. */
function addLeast(value: Json, total: { bytes: number }, limit: number): void {
  total.bytes += typeof value === 'string' ? value.length + 2 : 1;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    if (total.bytes > limit) return;
    if (!Array.isArray(value)) total.bytes += key.length + 3;
    addLeast(item, total, limit);
  }
}
