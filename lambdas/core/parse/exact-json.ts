// Numbers that JSON can write and a double cannot hold: whole ones beyond 2^53, and those too large or too small for any.
// JSON.parse rounds the first and makes infinity or 0 of the others. Here they are found in the text, before it is parsed.

import type { Json } from '../json.ts';

// Most texts have no such number, and this is all that they pay.
const MAY_BE_INEXACT = /\d{16}|[eE]\+?\d{3}|[eE]-\d{3}/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/**
 * `1e400`, `1e-400`, `9007199254740993`: what would be another number. A whole one may be as large as it likes, as long as
 * it is held or comes back as it was written (`9223372036854776000`). A fraction is rounded to about 16 digits, as everywhere.
 */
export function isInexact(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return true;
  if (!/^-?\d+$/.test(literal)) return value === 0 && /[1-9]/.test(literal.replace(/[eE].*$/, ''));
  return !Number.isSafeInteger(value) && String(value) !== literal && BigInt(value) !== BigInt(literal);
}

/** The index after a string that begins at `start`. */
export function afterString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (text[escapes - 1] === '\\') escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** A JSON text with each such number in quotes, `mark` before it; undefined where it has none. */
export function quoteInexactNumbers(text: string, mark = ''): string | undefined {
  if (!MAY_BE_INEXACT.test(text)) return undefined;
  const starts = /["\d-]/g;
  const pieces: string[] = [];
  let copied = 0;
  for (let start = starts.exec(text); start !== null; start = starts.exec(text)) {
    if (start[0] === '"') {
      starts.lastIndex = afterString(text, start.index);
      continue;
    }
    NUMBER.lastIndex = start.index;
    const [literal = start[0]] = NUMBER.exec(text) ?? [];
    starts.lastIndex = start.index + literal.length;
    if (!isInexact(literal)) continue;
    pieces.push(text.slice(copied, start.index), `"${mark}${literal}"`);
    copied = starts.lastIndex;
  }
  return pieces.length === 0 ? undefined : `${pieces.join('')}${text.slice(copied)}`;
}

/** What others have answered: such a number is kept, as text. Throws what JSON.parse throws. */
export function parseKeepingNumbers(text: string): Json {
  const value = JSON.parse(text) as Json;
  const quoted = quoteInexactNumbers(text);
  return quoted === undefined ? value : (JSON.parse(quoted) as Json);
}
