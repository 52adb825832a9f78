// Reference paths: the JSONPath subset `$`, `$.a.b`, `$.a[0]`, `$['a b']`, and `$$` for the context object.

import { StateFailure } from './failure.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What paths are read from: `$` is the state's input (or its result), `$$` the context object. */
export interface Scope {
  input: Json;
  context: Json;
}

type Step = string | number;

const STEP = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]/uy;

export function isPath(path: string): boolean {
  return parsePath(path) !== undefined;
}

/** Throws States.Runtime where nothing is found, like AWS. */
export function readPath(path: string, scope: Scope): Json {
  const value = findPath(path, scope);
  if (value === undefined) {
    throw new StateFailure('States.Runtime', `The JSONPath '${path}' could not be found in the input`);
  }
  return value;
}

export function findPath(path: string, scope: Scope): Json | undefined {
  const parsed = parsePath(path);
  if (!parsed) throw new StateFailure('States.Runtime', `'${path}' is not a path that is supported here`);
  let value: Json | undefined = parsed.root === '$$' ? scope.context : scope.input;
  for (const step of parsed.steps) value = child(value, step);
  return value;
}

/** A copy of `target` with `value` at the path; objects on the way are made, as in ResultPath. */
export function writePath(path: string, target: Json, value: Json): Json {
  return writeSteps(parsePath(path)?.steps ?? [], target, value);
}

function writeSteps([step, ...rest]: Step[], target: Json, value: Json): Json {
  if (step === undefined) return value;
  if (Array.isArray(target) && typeof step === 'number' && step < target.length) {
    return target.map((item, index) => (index === step ? writeSteps(rest, item, value) : item));
  }
  if (isObject(target) && typeof step === 'string') {
    // Own property by construction: a step named `__proto__` must not reach the prototype.
    const inner = writeSteps(rest, child(target, step) ?? {}, value);
    return Object.fromEntries([...Object.entries(target).filter(([key]) => key !== step), [step, inner]]);
  }
  throw new StateFailure('States.ResultPathMatchFailure', `Unable to apply step ${JSON.stringify(step)} to the input`);
}

function parsePath(path: string): { root: '$' | '$$'; steps: Step[] } | undefined {
  const root = path.startsWith('$$') ? '$$' : '$';
  if (!path.startsWith('$')) return undefined;
  const steps: Step[] = [];
  STEP.lastIndex = root.length;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (!match) return undefined;
    const [, name, index, quoted] = match;
    steps.push(name ?? (index === undefined ? (quoted ?? '').replace(/\\(.)/g, '$1') : Number(index)));
  }
  return { root, steps };
}

function child(value: Json | undefined, step: Step): Json | undefined {
  if (Array.isArray(value)) return typeof step === 'number' ? value[step] : undefined;
  if (!isObject(value) || typeof step !== 'string') return undefined;
  return Object.hasOwn(value, step) ? value[step] : undefined;
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readSeconds(path: string, scope: Scope): number {
  const value = readPath(path, scope);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new StateFailure('States.Runtime', `The value at '${path}' is not a whole number of seconds`);
}
