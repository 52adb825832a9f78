// Rules for the text of every format: how long it may be, and how blank lines are removed.

import { MAX_DOCUMENT_TEXT_CHARS } from '../core/limits.ts';

/** The document is of its type, but its text cannot be read: the message says why. */
export class Unreadable extends Error {}

/** Lines without blanks at their end, and at most one empty line between two others. */
export function tidy(text: string): string {
  // Line by line: a regular expression for blanks at the end starts again at each of a million blanks.
  const lines = text.split(/\r\n?|\n/).map((line) => line.trimEnd());
  const result = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
  requireLength(result.length);
  return result;
}

export function requireLength(chars: number): void {
  if (chars > MAX_DOCUMENT_TEXT_CHARS) {
    throw new Unreadable(`its text has more than ${MAX_DOCUMENT_TEXT_CHARS} characters`);
  }
}
