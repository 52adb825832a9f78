// From the exact bytes of a body to text or a JSON value, or a rejection that says where the body is wrong.

import { PlatformError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { MAX_JSON_DEPTH } from '../core/limits.ts';
import { findJsonFault, positionOf } from './json-fault.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new PlatformError('invalid-request', 'The body is not valid UTF-8', { cause });
  }
}

/** The index after a string that begins at `start`. */
function afterString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (text[escapes - 1] === '\\') escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** Counted in the text, so that a hostile body is refused before anything is built from it. */
function exceedsDepth(text: string, limit: number): boolean {
  const marks = /["{}[\]]/g;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    if (mark[0] === '"') marks.lastIndex = afterString(text, mark.index);
    else depth += mark[0] === '{' || mark[0] === '[' ? 1 : -1;
    if (depth > limit) return true;
  }
  return false;
}

export function parseJson(bytes: Uint8Array): Json {
  const text = decodeText(bytes);
  if (text.trim() === '') throw new PlatformError('invalid-request', 'The body is empty: expected JSON');
  if (exceedsDepth(text, MAX_JSON_DEPTH)) {
    throw new PlatformError('invalid-request', `The body is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    const fault = findJsonFault(text) ?? { offset: text.length, expected: 'JSON' };
    const { line, column } = positionOf(text, fault.offset);
    const message = `The body is not JSON: expected ${fault.expected} at line ${line}, column ${column}`;
    throw new PlatformError('invalid-request', message, { cause, details: [{ message, line, column }] });
  }
}
