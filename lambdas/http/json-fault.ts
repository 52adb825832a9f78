// Where a text stops being JSON, and what could follow there. JSON.parse reports this only for some faults.

import { printParseErrorCode, visit } from 'jsonc-parser';

export interface JsonFault {
  /** Index of the first character that cannot continue a JSON text; the text's length when it ends too early. */
  offset: number;
  /** Undefined where only the character is known to be wrong. */
  expected: string | undefined;
}

const IN_STRING = 'the rest of a string';
/** By the names of the parser's errors. */
const EXPECTED: Readonly<Record<string, string>> = {
  PropertyNameExpected: 'a name in double quotes',
  ColonExpected: "':'",
  ValueExpected: 'a value',
  CommaExpected: "',' or the closing bracket",
  CloseBraceExpected: "',' or '}'",
  CloseBracketExpected: "',' or ']'",
  EndOfFileExpected: 'the end of the text',
  UnexpectedEndOfNumber: 'the rest of a number',
  UnexpectedEndOfString: IN_STRING,
  InvalidEscapeCharacter: IN_STRING,
  InvalidUnicode: IN_STRING,
  InvalidCharacter: IN_STRING,
};

interface Reported {
  code: string;
  offset: number;
  length: number;
}

class Stop extends Error {}

/**
 * The first fault, and after a wrong symbol the next one too. The parser recurses and has no other way to be stopped:
 * behind the first fault the brackets may be nested without end.
 */
function reportFaults(text: string): Reported[] {
  const faults: Reported[] = [];
  const onError = (error: number, offset: number, length: number) => {
    const code = printParseErrorCode(error);
    faults.push({ code, offset, length });
    if (code !== 'InvalidSymbol' || faults.length === 2) throw new Stop();
  };
  try {
    visit(text, { onError }, { disallowComments: true, allowTrailingComma: false });
  } catch (thrown) {
    if (!(thrown instanceof Stop)) throw thrown;
  }
  return faults;
}

/** A correct escape as a whole, or the first character of what no string may contain. */
const ESCAPE_OR_FAULT = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\|[^ -\uffff]/g;

/** The parser reports where the string begins, not the character in it. */
function findInString(text: string, { offset, length }: Reported): number {
  for (const found of text.slice(offset, offset + length).matchAll(ESCAPE_OR_FAULT)) {
    if (found[0].length === 1) return offset + found.index;
  }
  return offset + length;
}

/** Undefined for a JSON text. */
export function findJsonFault(text: string): JsonFault | undefined {
  const [first, second] = reportFaults(text);
  if (first === undefined) return undefined;
  // The parser skips a wrong symbol, and then reports what it expected in its place.
  const expected = EXPECTED[first.code] ?? EXPECTED[second?.code ?? ''];
  if (expected === IN_STRING && first.code in EXPECTED) return { offset: findInString(text, first), expected };
  const offset = first.code === 'UnexpectedEndOfNumber' ? first.offset + first.length : first.offset;
  return { offset, expected };
}

/** 1-based line and column of an index. */
export function locate(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
