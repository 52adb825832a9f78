// What holds for the text of every format: how long it may be, and how it is tidied.

import { MAX_DOCUMENT_TEXT_CHARS } from '../core/limits.ts';

/** The document is what it claims to be, and yet nobody gets its text: the sentence says why. */
export class Unreadable extends Error {}

/** Lines without blanks at their end, and at most one empty line between two others. */
export function tidied(text: string): string {
  // Line by line: a regular expression for blanks at the end tries anew at each of a million blanks.
  const lines = text.split(/\r\n?|\n/).map((line) => line.trimEnd());
  const tidy = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  requireLength(tidy.length);
  return tidy;
}

export function requireLength(chars: number): void {
  if (chars > MAX_DOCUMENT_TEXT_CHARS) {
    throw new Unreadable(`its text has more than ${MAX_DOCUMENT_TEXT_CHARS} characters`);
  }
}
