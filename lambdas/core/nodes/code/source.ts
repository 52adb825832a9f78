// Checks the source of a code node before it runs: whether it has a `main`, and whether JavaScript parses. The source is
// neither run nor loaded here.

import { Script } from 'node:vm';
import type { CodeLanguage } from '../../ports/runners.ts';

export interface SourceProblem {
  message: string;
  /** 1-based. */
  at?: { line: number; column: number };
}

const MAIN: Record<CodeLanguage, RegExp> = {
  javascript:
    /(?:^|;)[ \t]*export\s+(?:(?:async\s+)?function\s+main\b|(?:const|let|var)\s+main\b|\{[^{}]*\bmain\b[^{}]*\})/m,
  python: /^(?:async[ \t]+)?def[ \t]+main[ \t]*\(|^main[ \t]*(?::[^=\n]*)?=/m,
};

export const MAIN_FORM: Record<CodeLanguage, string> = {
  javascript: '`export function main(args) { … }`',
  python: '`def main(**args): …`',
};

export function findSourceProblem(language: CodeLanguage, source: string): SourceProblem | undefined {
  const syntax = language === 'javascript' ? findSyntaxProblem(source) : undefined;
  if (syntax) return syntax;
  if (MAIN[language].test(source)) return undefined;
  return { message: `has no main: it must contain ${MAIN_FORM[language]}` };
}

// V8 parses a module only to run it. Without imports and exports, replaced by blanks to keep all positions, a module is
// the body of a strict async function.
const EXPORT = /\bexport(?=\s+(?:async\s+function|function|class|const|let|var)\b)/g;
const FROM = String.raw`(?:\s*from)?\s*(['"])[^'"\n]*\1(?:\s*with\s*\{[^{}]*\})?`;
const EXPORTS = new RegExp(String.raw`(?<=^|;)[ \t]*export\s*(?:\{[^{}]*\}|\*(?:\s+as\s+\w+)?)(?:${FROM})?`, 'gm');
const NAMED = String.raw`(?:[\w$]+|\{[^{}]*\}|\*\s*as\s+[\w$]+)`;
const IMPORT = new RegExp(String.raw`(?<=^|;)[ \t]*import\s*(?:${NAMED}(?:\s*,\s*${NAMED})?)?${FROM}`, 'gm');
const OTHER = /(?:^|[;}])\s*(?:export|import)\b(?!\s*\()|\bimport\s*\./m;
const BODY = '"use strict";(async()=>{';

/** The first syntax error that V8 finds; undefined where there is none, or where imports and exports have an unknown form. */
export function findSyntaxProblem(source: string): Required<SourceProblem> | undefined {
  const blank = (text: string) => text.replace(/[^\n]/g, ' ');
  const body = source.replace(EXPORT, blank).replace(EXPORTS, blank).replace(IMPORT, blank);
  if (OTHER.test(body)) return undefined;
  try {
    // The newline ends a comment in the last line.
    new Script(`${BODY}${body}\n})`, { filename: 'main.mjs' });
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? locateError(error, source) : undefined;
  }
}

/** `stack` begins with `main.mjs:3`, then the line, then a caret under the position. */
function locateError({ message, stack = '' }: SyntaxError, source: string): Required<SourceProblem> {
  const [where = '', , caret = ''] = stack.split('\n');
  const lines = source.trimEnd().split('\n');
  const line = Number(/:(\d+)$/.exec(where)?.[1] ?? 1);
  if (line > lines.length) {
    const at = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
    return { message: 'does not parse: something is not closed at the end', at };
  }
  const column = Math.max(caret.indexOf('^'), 0) - (line === 1 ? BODY.length : 0);
  return { message: `does not parse: ${message}`, at: { line, column: Math.max(column, 0) + 1 } };
}
