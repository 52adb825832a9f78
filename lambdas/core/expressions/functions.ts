// Our own functions for expressions, and the bounds on those of JSONata that could block or crash the process: each runs
// in one step, so the interpreter's own timeout cannot stop it.

import { EXPRESSION_DATE_CHARS, EXPRESSION_PICTURE_CHARS, MAX_PAYLOAD_BYTES, MAX_TEMPLATE_CHARS } from '../limits.ts';
import type { HELPERS } from './names.ts';

type Native = (...args: unknown[]) => unknown;

export const HELPER_FUNCTIONS = {
  /** Whether there is a value; with a name, whether the object has that field. Null counts as none. */
  has: (value, name) => isPresent(name === undefined ? value : readField(value, name)),
  isEmpty: (value) => isEmpty(value),
  startsWith: (text, start) => typeof text === 'string' && typeof start === 'string' && text.startsWith(start),
  endsWith: (text, end) => typeof text === 'string' && typeof end === 'string' && text.endsWith(end),
  /** The first value that is not null. */
  coalesce: (...values) => values.find(isPresent),
} as const satisfies Record<(typeof HELPERS)[number], Native>;

/** Throws where the call would take too long or build too much. */
type Bound = (...args: unknown[]) => void;

const MAX_ADJACENT_PARTS = 3;

export const BOUNDS: Readonly<Record<string, Bound>> = {
  match: (text) => boundText(text),
  contains: (text) => boundText(text),
  split: (text) => boundText(text),
  replace: (text, pattern, replacement) => {
    boundText(text);
    if (typeof text === 'string' && typeof replacement === 'string') boundGrowth(text, pattern, replacement);
  },
  join: (texts, separator) => {
    if (Array.isArray(texts) && typeof separator === 'string') boundChars(texts.length * separator.length);
  },
  distinct: (values) => boundItems('distinct', values),
  spread: (values) => boundItems('spread', values),
  formatNumber: (_number, picture) => boundPicture(picture),
  formatInteger: (number, picture) => {
    boundPicture(picture);
    // Roman numerals have a letter for every thousand.
    if (typeof number === 'number' && Math.abs(number) > 1e15) throw new Error('the number is too large to write');
  },
  parseInteger: (text, picture) => {
    boundPicture(text);
    boundPicture(picture);
  },
  fromMillis: (_millis, picture) => {
    boundPicture(picture);
    if (typeof picture === 'string' && /\d{5}|,[^\]]*\d{3}/.test(picture)) throw new Error('a date part is too wide');
  },
  toMillis: (text, picture) => {
    if (typeof picture === 'string') boundDate(text, picture);
  },
};

// For functions whose time grows with the square of the number of items.
const MAX_SQUARED_ITEMS = 3_000;

function boundItems(name: string, values: unknown): void {
  if (Array.isArray(values) && values.length > MAX_SQUARED_ITEMS) {
    throw new Error(`$${name} takes at most ${MAX_SQUARED_ITEMS} items`);
  }
}

function boundText(text: unknown): void {
  if (typeof text === 'string' && text.length > MAX_TEMPLATE_CHARS) {
    throw new Error(`a text of more than ${MAX_TEMPLATE_CHARS} characters cannot be searched`);
  }
}

function boundGrowth(text: string, pattern: unknown, replacement: string): void {
  if (typeof pattern === 'string') {
    const matches = pattern === '' ? 0 : text.split(pattern).length - 1;
    boundChars(text.length + matches * replacement.length);
    return;
  }
  // A regex matches at most once per character, and each `$1` brings at most the matched text again.
  const groups = replacement.split('$').length - 1;
  boundChars((text.length + 1) * replacement.length + text.length * groups);
}

function boundChars(chars: number): void {
  if (chars > MAX_PAYLOAD_BYTES) throw new Error(`the text would grow beyond ${MAX_PAYLOAD_BYTES} characters`);
}

function boundPicture(picture: unknown): void {
  if (typeof picture === 'string' && picture.length > EXPRESSION_PICTURE_CHARS) {
    throw new Error(`a picture has at most ${EXPRESSION_PICTURE_CHARS} characters`);
  }
}

function boundDate(text: unknown, picture: string): void {
  boundPicture(picture);
  if (typeof text === 'string' && text.length > EXPRESSION_DATE_CHARS) {
    throw new Error(`a date to parse has at most ${EXPRESSION_DATE_CHARS} characters`);
  }
  if (/\[[^\]]*[wW]/.test(picture)) throw new Error('a date in words cannot be parsed');
  const parts = picture.match(/\]\w*\[/g)?.length ?? 0;
  if (parts > MAX_ADJACENT_PARTS) throw new Error('the parts of a date picture need separators between them');
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isEmpty(value: unknown): boolean {
  if (!isPresent(value) || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

function readField(value: unknown, name: unknown): unknown {
  if (typeof value !== 'object' || value === null || typeof name !== 'string') return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
