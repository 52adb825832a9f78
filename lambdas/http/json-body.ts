// From the exact bytes of a body to text or a JSON value, or a rejection that says where the body is wrong.

import { ApiError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { MAX_JSON_DEPTH } from '../core/limits.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ApiError('invalid-request', 'The body is not valid UTF-8', { cause });
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

/** Only an escape can make half of a character: the bytes were UTF-8. */
const HALF_ESCAPED = /\\u[dD][89a-fA-F]/;

/** Where the value contains half of a character: such a text cannot be stored, nor sent on. */
function findHalfCharacter(value: Json, at: string): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : at;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const field = Array.isArray(value) ? `${at}[${name}]` : `${at}.${name.toWellFormed()}`;
    const found = name.isWellFormed() ? findHalfCharacter(inner, field) : field;
    if (found !== undefined) return found;
  }
  return undefined;
}

function refuseHalfCharacters(value: Json): void {
  const field = findHalfCharacter(value, '')?.replace(/^\./, '');
  if (field === undefined) return;
  const message = 'contains half of a character: a text was cut in the middle of one';
  throw new ApiError('invalid-request', `${field || 'The body'} ${message}`, { details: [{ field, message }] });
}

export async function parseJson(bytes: Uint8Array): Promise<Json> {
  const text = decodeText(bytes);
  const value = await parseText(text);
  if (HALF_ESCAPED.test(text)) refuseHalfCharacters(value);
  return value;
}

async function parseText(text: string): Promise<Json> {
  if (text.trim() === '') throw new ApiError('invalid-request', 'The body is empty: expected JSON');
  if (exceedsDepth(text, MAX_JSON_DEPTH)) {
    throw new ApiError('invalid-request', `The body is nested deeper than ${MAX_JSON_DEPTH} levels`);
  }
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw await explainFault(text, cause);
  }
}

async function explainFault(text: string, cause: unknown): Promise<ApiError> {
  // Loaded with the first wrong body: most processes never see one.
  const { findJsonFault, locate } = await import('./json-fault.ts');
  const { offset, expected } = findJsonFault(text) ?? { offset: text.length, expected: undefined };
  const { line, column } = locate(text, offset);
  const problem = expected === undefined ? 'unexpected text' : `expected ${expected}`;
  const message = `The body is not JSON: ${problem} at line ${line}, column ${column}`;
  return new ApiError('invalid-request', message, { cause, details: [{ message, line, column }] });
}
