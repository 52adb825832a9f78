// Collects what is wrong with a source: each problem has its place and one plain message.

import type { Problem } from './plan.ts';
import type { Path, Source } from './source.ts';

// Enough to work on; a text that is not a flow at all would have thousands.
const MAX_PROBLEMS = 100;

export interface Problems {
  error(path: Path, message: string, at?: 'key' | 'value'): void;
  warning(path: Path, message: string): void;
  /** An error of the expression inside the value at the path. */
  expression(path: Path, expression: string, message: string): void;
  /** An error at a place (1-based) inside the text at the path. */
  errorAt(path: Path, at: { line: number; column: number }, message: string): void;
  hasErrors(): boolean;
  /** In the order of the source. */
  list(): Problem[];
}

export function makeProblems(source: Source): Problems {
  const problems: Problem[] = [];
  const add = (problem: Problem) => {
    const isKnown = problems.some((it) => it.line === problem.line && it.message === problem.message);
    if (!isKnown && problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  return {
    error: (path, message, at) => add({ ...source.locate(path, at), message, severity: 'error' }),
    warning: (path, message) => add({ ...source.locate(path), message, severity: 'warning' }),
    expression: (path, expression, message) =>
      add({ ...source.locateText(path, expression), message, severity: 'error' }),
    errorAt: (path, at, message) => add({ ...source.locateWithin(path, at), message, severity: 'error' }),
    hasErrors: () => problems.some(({ severity }) => severity === 'error'),
    list: () => problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
  };
}
