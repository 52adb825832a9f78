// Runs a checked expression on JSONata within bounds: time, depth, list length, and the size of every intermediate value.

import type jsonata from 'jsonata';
import type { Json } from '../json.ts';
import { EXPRESSION_RETRY_MS, EXPRESSION_SEQUENCE } from '../limits.ts';
import type { SyntaxNode } from './check.ts';
import { BOUNDS, HELPER_FUNCTIONS } from './functions.ts';
import { asList, dropLoneNull, KEEP_LIST, keepLists } from './lists.ts';
import { copyJson, type Meter, makeMeter } from './measure.ts';
import { JSONATA_FUNCTIONS } from './names.ts';
import { type NativeFunction, takeNullAsMissing } from './nothing.ts';
import { explainSyntaxError, parseExpression, type Syntax } from './syntax.ts';

export type Program = (roots: Record<string, unknown>) => Promise<Json>;

/** What JSONata hands to its evaluation hooks; the members are its own, unpublished. */
interface Frame {
  base: Frame;
  guardrails(): void;
  RegexEngine: unknown;
}

// The names under which JSONata looks for hooks that see every step.
const ENTRY = Symbol.for('jsonata.__evaluate_entry') as unknown as string;
const EXIT = Symbol.for('jsonata.__evaluate_exit') as unknown as string;
const TOO_LONG = 'D1012';
// Steps that return an existing value, or a small one.
const WEIGHTLESS: ReadonlySet<string> = new Set(['variable', 'name', 'string', 'number', 'value', 'regex', 'lambda']);

type MakeRegexEngine = typeof import('./regex.ts').makeRegexEngine;

/** Throws an Error with a plain message where the expression is not allowed. */
export async function makeProgram(source: string, timeoutMs?: number): Promise<Program> {
  const evaluate = await prepare(source, timeoutMs);
  return async (roots) => {
    try {
      return copyJson(await evaluate(roots).catch((error) => retryIfSlow(source, roots, error)));
    } catch (error) {
      throw new Error(describeError(error));
    }
  };
}

type Evaluate = (roots: Record<string, unknown>) => Promise<unknown>;

async function prepare(source: string, timeoutMs?: number): Promise<Evaluate> {
  const syntax = parseExpression(source, timeoutMs);
  const makeRegexEngine = await checkRegexes(syntax);
  const { expression } = syntax;
  for (const [name, run] of Object.entries(HELPER_FUNCTIONS)) expression.registerFunction(name, run);
  expression.registerFunction(KEEP_LIST, asList);
  for (const [name, native] of await loadNativeFunctions()) expression.assign(name, native);
  keepLists(expression.ast() as unknown as SyntaxNode);
  watch(expression, makeRegexEngine);
  return (roots) => expression.evaluate(undefined, roots);
}

/**
 * JSONata measures wall-clock time, and the process may get no processor for a while: on a busy machine, or with a small
 * share of one. A slow expression exceeds the shorter second limit, too; one that only had to wait succeeds. Evaluating
 * twice is safe: expressions have no side effects.
 */
async function retryIfSlow(source: string, roots: Record<string, unknown>, error: unknown): Promise<unknown> {
  if (readCode(error) !== TOO_LONG) throw error;
  return (await prepare(source, EXPRESSION_RETRY_MS))(roots);
}

function readCode(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** JSONata's messages, except those about its internals. */
function describeError(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or builds too much';
  // A fault inside JSONata, e.g. a function called with the wrong type of value.
  if (error instanceof TypeError) return 'a value does not have the type that is needed';
  switch (readCode(error)) {
    case 'D1011':
      return 'it calls itself too deeply';
    case TOO_LONG:
      return 'it takes too long';
    case 'D2014':
    case 'D2015':
      return `a list has more than ${EXPRESSION_SEQUENCE} items`;
    default:
      return explainSyntaxError(error);
  }
}

/** The regex engine, where the expression has a regex. Throws where RE2 does not accept one of them. */
export async function checkRegexes({ regexes }: Pick<Syntax, 'regexes'>): Promise<MakeRegexEngine | undefined> {
  if (regexes.length === 0) return undefined;
  const { compileRegex, makeRegexEngine } = await import('./regex.ts');
  for (const { source, flags } of regexes) compileRegex(source, flags);
  return makeRegexEngine;
}

/** Measures the result of every step, so no value grows beyond what a node may return. */
function watch(expression: jsonata.Expression, makeRegexEngine: MakeRegexEngine | undefined): void {
  const meters = new WeakMap<Frame, Meter>();
  expression.assign(ENTRY, (_step: unknown, _input: unknown, { base }: Frame) => {
    if (meters.has(base)) return;
    meters.set(base, makeMeter());
    if (makeRegexEngine !== undefined) base.RegexEngine = makeRegexEngine(() => base.guardrails());
  });
  expression.assign(EXIT, (step: SyntaxNode, _input: unknown, { base }: Frame, result: unknown) => {
    dropLoneNull(step, result);
    if (!WEIGHTLESS.has(step.type)) meters.get(base)?.(result);
  });
}

let natives: Promise<[string, NativeFunction][]> | undefined;

/** JSONata's own functions as flows see them: within their bounds, and with null for what is missing. */
function loadNativeFunctions(): Promise<[string, NativeFunction][]> {
  natives ??= Promise.all(
    JSONATA_FUNCTIONS.map(async (name): Promise<[string, NativeFunction]> => {
      // Without a time limit: a failure here would fail every expression of this process.
      const native: NativeFunction = await parseExpression(`$${name}`, 0).expression.evaluate(undefined);
      return [name, takeNullAsMissing(name, withBound(name, native))];
    }),
  ).catch((error: unknown) => {
    // The next expression tries again.
    natives = undefined;
    throw error;
  });
  return natives;
}

function withBound(name: string, native: NativeFunction): NativeFunction {
  const bound = BOUNDS[name];
  if (bound === undefined) return native;
  const implementation = function (this: unknown, ...args: unknown[]): unknown {
    bound(...args);
    return native.implementation.apply(this, args);
  };
  return { ...native, implementation };
}
