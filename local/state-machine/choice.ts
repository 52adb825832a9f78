// The comparison operators of Choice states, as one table: the definition is checked by it and rules are decided by it.

import { findPath, type Json, readPath, type Scope } from './path.ts';

type Comparison = (value: Json, expected: Json) => boolean;
type OperandKind = 'string' | 'number' | 'boolean' | 'timestamp';

interface Operator {
  operand: OperandKind;
  compare: Comparison;
}

export interface Rule {
  And?: Rule[] | undefined;
  Or?: Rule[] | undefined;
  Not?: Rule | undefined;
  Variable?: string | undefined;
  /** One operator with what it compares to. */
  [operator: string]: unknown;
}

const ORDERS = {
  Equals: (order: number) => order === 0,
  LessThan: (order: number) => order < 0,
  GreaterThan: (order: number) => order > 0,
  LessThanEquals: (order: number) => order <= 0,
  GreaterThanEquals: (order: number) => order >= 0,
};

const KINDS: Record<string, OperandKind> = { String: 'string', Numeric: 'number', Timestamp: 'timestamp' };

/** Operators that compare with a value; each has a twin `…Path` that compares with what a path finds. */
export const COMPARISONS: Record<string, Operator> = {
  ...Object.fromEntries(
    Object.entries(KINDS).flatMap(([prefix, operand]) =>
      Object.entries(ORDERS).map(([suffix, holds]) => [prefix + suffix, ordered(operand, holds)]),
    ),
  ),
  BooleanEquals: { operand: 'boolean', compare: (value, expected) => value === expected },
};

/** Operators that ask about the value itself; they compare with `true` or `false`. */
export const QUESTIONS: Record<string, (value: Json | undefined) => boolean> = {
  IsPresent: (value) => value !== undefined,
  IsNull: (value) => value === null,
  IsString: (value) => typeof value === 'string',
  IsNumeric: (value) => typeof value === 'number',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => typeof value === 'string' && isTimestamp(value),
};

export function holds(rule: Rule, scope: Scope): boolean {
  if (rule.And) return rule.And.every((inner) => holds(inner, scope));
  if (rule.Or) return rule.Or.some((inner) => holds(inner, scope));
  if (rule.Not) return !holds(rule.Not, scope);
  const variable = rule.Variable ?? '$';
  for (const [name, question] of Object.entries(QUESTIONS)) {
    if (rule[name] !== undefined) return question(findQuestioned(name, variable, scope)) === rule[name];
  }
  const value = readPath(variable, scope);
  if (typeof rule['StringMatches'] === 'string') return matchesPattern(value, rule['StringMatches']);
  for (const [name, { operand, compare }] of Object.entries(COMPARISONS)) {
    const path = rule[`${name}Path`];
    const expected = typeof path === 'string' ? readPath(path, scope) : (rule[name] as Json | undefined);
    if (expected !== undefined)
      return isOfKind(value, operand) && isOfKind(expected, operand) && compare(value, expected);
  }
  return false;
}

// Only IsPresent may ask about something that is not there.
function findQuestioned(name: string, variable: string, scope: Scope): Json | undefined {
  return name === 'IsPresent' ? findPath(variable, scope) : readPath(variable, scope);
}

function ordered(operand: OperandKind, isRight: (order: number) => boolean): Operator {
  return {
    operand,
    compare: (value, expected) => isRight(order(toOrderable(value, operand), toOrderable(expected, operand))),
  };
}

function order(left: string | number, right: string | number): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function toOrderable(value: Json, operand: OperandKind): string | number {
  if (operand === 'timestamp') return Date.parse(String(value));
  return value as string | number;
}

function isOfKind(value: Json, kind: OperandKind): boolean {
  if (kind === 'timestamp') return typeof value === 'string' && isTimestamp(value);
  return typeof value === kind;
}

/** RFC 3339, with a time and a zone, as Amazon States Language asks for. */
export function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

// `*` matches any characters, `\*` a star. Without a regular expression, so that no pattern can take long.
function matchesPattern(value: Json, pattern: string): boolean {
  if (typeof value !== 'string') return false;
  const parts = pattern.split(/(?<!\\)\*/).map((part) => part.replace(/\\([*\\])/g, '$1'));
  const first = parts.shift() ?? '';
  const last = parts.pop();
  if (last === undefined) return value === first;
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) return false;
  let from = first.length;
  const end = value.length - last.length;
  return parts.every((part) => {
    const at = value.indexOf(part, from);
    from = at + part.length;
    return at >= 0 && from <= end;
  });
}
