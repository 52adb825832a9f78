// Runs a checked expression on JSONata within bounds: time, depth, list length, and the size of every value on the way.

import type jsonata from 'jsonata';
import type { Json } from '../json.ts';
import { EXPRESSION_RETRY_MS, EXPRESSION_SEQUENCE } from '../limits.ts';
import { BOUNDS, HELPER_FUNCTIONS } from './functions.ts';
import { freshJson, type Meter, makeMeter } from './measure.ts';
import { explainSyntaxError, parseExpression, type Syntax } from './syntax.ts';

export type Program = (roots: Record<string, unknown>) => Promise<Json>;

/** What JSONata hands to its evaluation hooks; the members are its own, unpublished. */
interface Frame {
  base: Frame;
  guardrails(): void;
  RegexEngine: unknown;
}
interface NativeFunction {
  implementation: (...given: unknown[]) => unknown;
}

// The names under which JSONata looks for hooks that see every step.
const ENTRY = Symbol.for('jsonata.__evaluate_entry') as unknown as string;
const EXIT = Symbol.for('jsonata.__evaluate_exit') as unknown as string;
const TOO_LONG = 'D1012';
// Steps that hand on what is there already, or nothing of size.
const WEIGHTLESS: ReadonlySet<string> = new Set(['variable', 'name', 'string', 'number', 'value', 'regex', 'lambda']);

type MakeRegexEngine = typeof import('./regex.ts').makeRegexEngine;

/** Throws an Error with one sentence where the expression is not allowed. */
export async function makeProgram(source: string, timeoutMs?: number): Promise<Program> {
  const evaluate = await prepare(source, timeoutMs);
  return async (roots) => {
    try {
      return freshJson(await evaluate(roots).catch((error) => again(source, roots, error)));
    } catch (error) {
      throw new Error(reasonOf(error));
    }
  };
}

type Evaluate = (roots: Record<string, unknown>) => Promise<unknown>;

async function prepare(source: string, timeoutMs?: number): Promise<Evaluate> {
  const syntax = parseExpression(source, timeoutMs);
  const makeRegexEngine = await checkRegexes(syntax);
  const { expression } = syntax;
  for (const [name, run] of Object.entries(HELPER_FUNCTIONS)) expression.registerFunction(name, run);
  for (const [name, bounded] of await boundedFunctions()) expression.assign(name, bounded);
  watch(expression, makeRegexEngine);
  return (roots) => expression.evaluate(undefined, roots);
}

/**
 * JSONata's time is the wall's, and a process may not be let run for a while: on a busy machine, or with a small share of
 * a processor. What is slow takes too long again, and is soon stopped; what was only held up does not, and evaluating
 * has no effects.
 */
async function again(source: string, roots: Record<string, unknown>, error: unknown): Promise<unknown> {
  if (codeOf(error) !== TOO_LONG) throw error;
  return (await prepare(source, EXPRESSION_RETRY_MS))(roots);
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** JSONata's messages, except where they speak of its insides. */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or builds too much';
  // A fault within JSONata, e.g. a function called with the wrong kind of value.
  if (error instanceof TypeError) return 'a value does not have the type that is needed';
  switch (codeOf(error)) {
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

/** Answers with the engine where the expression holds a regex, which RE2 must be able to take. */
export async function checkRegexes({ regexes }: Pick<Syntax, 'regexes'>): Promise<MakeRegexEngine | undefined> {
  if (regexes.length === 0) return undefined;
  const { compileRegex, makeRegexEngine } = await import('./regex.ts');
  for (const { source, flags } of regexes) compileRegex(source, flags);
  return makeRegexEngine;
}

/** Everything that a step gives is measured, so no value grows beyond what a node may hand on. */
function watch(expression: jsonata.Expression, makeRegexEngine: MakeRegexEngine | undefined): void {
  const meters = new WeakMap<Frame, Meter>();
  expression.assign(ENTRY, (_step: unknown, _input: unknown, { base }: Frame) => {
    if (meters.has(base)) return;
    meters.set(base, makeMeter());
    if (makeRegexEngine !== undefined) base.RegexEngine = makeRegexEngine(() => base.guardrails());
  });
  expression.assign(EXIT, (step: { type: string }, _input: unknown, { base }: Frame, result: unknown) => {
    if (!WEIGHTLESS.has(step.type)) meters.get(base)?.(result);
  });
}

let bounded: Promise<[string, NativeFunction][]> | undefined;

/** JSONata's own functions, each behind its bound. */
function boundedFunctions(): Promise<[string, NativeFunction][]> {
  bounded ??= Promise.all(
    Object.entries(BOUNDS).map(async ([name, bound]): Promise<[string, NativeFunction]> => {
      // Without a limit of time: what fails here would fail every expression of this process.
      const native: NativeFunction = await parseExpression(`$${name}`, 0).expression.evaluate(undefined);
      const implementation = function (this: unknown, ...given: unknown[]): unknown {
        bound(...given);
        return native.implementation.apply(this, given);
      };
      return [name, { ...native, implementation }];
    }),
  );
  return bounded;
}
