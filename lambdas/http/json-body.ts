// From the exact bytes of a body to text or a JSON value, or a rejection that says where the body is wrong.

import { ApiError } from '../core/errors.ts';
import type { Json } from '../core/json.ts';
import { MAX_JSON_DEPTH } from '../core/limits.ts';
import { afterString, quoteInexactNumbers } from '../core/parse/exact-json.ts';

const MAX_QUOTED_DIGITS = 40;
// Before a number that was put in quotes, to find its field.
const MARK = 'inexact number ';
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ApiError('invalid-request', 'The body is not valid UTF-8', { cause });
  }
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

/** Where a string is wrong: `inputs.lines[2].price`; empty where it is the whole body. */
function findString(value: Json, isWrong: (text: string) => boolean, at = ''): string | undefined {
  if (typeof value === 'string') return isWrong(value) ? at.replace(/^\./, '') : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const field = Array.isArray(value) ? `${at}[${name}]` : `${at}.${name.toWellFormed()}`;
    const found = isWrong(name) ? field.replace(/^\./, '') : findString(inner, isWrong, field);
    if (found !== undefined) return found;
  }
  return undefined;
}

function refuse(field: string, message: string): never {
  throw new ApiError('invalid-request', `${field || 'The body'} ${message}`, { details: [{ field, message }] });
}

/** Such a text cannot be stored, nor sent on. */
function refuseHalfCharacters(value: Json): void {
  const field = findString(value, (text) => !text.isWellFormed());
  if (field !== undefined) refuse(field, 'contains half of a character: a text was cut in the middle of one');
}

/** Rounded, it would be another number; the caller would not know. */
function refuseInexactNumbers(text: string): void {
  const quoted = quoteInexactNumbers(text, MARK);
  if (quoted === undefined) return;
  const found: string[] = [];
  const field = findString(JSON.parse(quoted), (it) => it.startsWith(MARK) && found.push(it.slice(MARK.length)) > 0);
  const number = (found[0] ?? '').slice(0, MAX_QUOTED_DIGITS);
  refuse(field ?? '', `is a number that cannot be held exactly (${number}): send it as a text`);
}

export async function parseJson(bytes: Uint8Array): Promise<Json> {
  const text = decodeText(bytes);
  const value = await parseText(text);
  refuseInexactNumbers(text);
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
