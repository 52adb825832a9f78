// Parses an expression. What its tree may hold is decided by check.ts; what passes is safe to run within the bounds
// that program.ts sets.

import jsonata from 'jsonata';
import { EXPRESSION_CHARS, EXPRESSION_SEQUENCE, EXPRESSION_STACK, EXPRESSION_TIMEOUT_MS } from '../limits.ts';
import { checkTree, type SyntaxNode } from './check.ts';
import type { References } from './references.ts';

export interface Syntax {
  expression: jsonata.Expression;
  references: References;
  /** Literal regexes, to be compiled by an engine without backtracking. */
  regexes: RegExp[];
  /** Where numbers end that may have been rounded when they were read. */
  rounded: number[];
}

const OPTIONS = {
  timeout: EXPRESSION_TIMEOUT_MS,
  stack: EXPRESSION_STACK,
  sequence: EXPRESSION_SEQUENCE,
};

/** Throws an Error with a plain message. `timeoutMs` changes the time limit of an evaluation; 0 sets no limit. */
export function parseExpression(source: string, timeoutMs = EXPRESSION_TIMEOUT_MS): Syntax {
  if (source.trim() === '') throw new Error('an expression is empty');
  if (source.length > EXPRESSION_CHARS) {
    throw new Error(`an expression has at most ${EXPRESSION_CHARS} characters, this one has ${source.length}`);
  }
  const expression = parse(source, timeoutMs);
  return { expression, ...checkTree(expression.ast() as unknown as SyntaxNode) };
}

function parse(source: string, timeoutMs: number): jsonata.Expression {
  try {
    return jsonata(source, { ...OPTIONS, timeout: timeoutMs });
  } catch (error) {
    if (error instanceof RangeError) throw new Error('an expression is nested too deeply');
    throw new Error(lowerFirst(explainSyntaxError(error)));
  }
}

/** JSONata throws plain objects. */
export function explainSyntaxError(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
