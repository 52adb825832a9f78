// Turns what zod finds into one plain sentence per problem: which field, what it must be, what was meant.

import * as z from 'zod';
import { didYouMean } from '../parse/suggest.ts';
import { EXPRESSION } from './fields.ts';
import type { Problems } from './problems.ts';
import type { Path } from './source.ts';

interface Checked {
  schema: z.ZodType;
  value: unknown;
  /** Where the value stands in the source. */
  path: Path;
  /** How the value is called in a sentence; nothing for the whole flow. */
  label?: string;
}

/** The parsed value; undefined where it has problems, which are noted. */
export function parseField<T>(problems: Problems, checked: Checked & { schema: z.ZodType<T> }): T | undefined {
  const parsed = checked.schema.safeParse(checked.value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) note(problems, checked, issue);
  return undefined;
}

type Issue = z.core.$ZodIssue;

const MAX_UNKNOWN_KEYS = 20;
const EXPRESSION_PATTERN = String(EXPRESSION);

function note(problems: Problems, checked: Checked, issue: Issue): void {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(checked.schema, path);
    for (const key of issue.keys.slice(0, MAX_UNKNOWN_KEYS)) {
      const where = labelOf(checked.label, path);
      const message = `unknown field '${key}'${where && ` of '${where}'`}${didYouMean(key, known)}`;
      problems.error([...checked.path, ...path, key], message, 'key');
    }
    return;
  }
  const nested = issue.code === 'invalid_union' ? closest(issue) : undefined;
  if (nested !== undefined) {
    for (const inner of nested) note(problems, checked, { ...inner, path: [...issue.path, ...inner.path] });
    return;
  }
  const label = labelOf(checked.label, path);
  const sentence = sentenceOf(issue, valueAt(checked.value, path));
  const atKey = issue.code === 'invalid_key';
  problems.error([...checked.path, ...path], label ? `'${label}' ${sentence}` : sentence, atKey ? 'key' : 'value');
}

/** Of the alternatives, the one that was meant: it fails deeper in, or for more than its type. */
function closest({ errors }: z.core.$ZodIssueInvalidUnion): Issue[] | undefined {
  const meant = errors.filter((issues) => issues.length > 0 && !issues.some(isExpressionWanted));
  const close = meant.find((issues) => !issues.some((it) => it.path.length === 0 && it.code === 'invalid_type'));
  // Where the other is an expression, the value was meant to be the one that is left.
  return close ?? (errors.length === 2 ? meant.at(-1) : undefined);
}

/** Whatever takes a value takes an expression, too: that is not what to tell an author who wrote neither. */
function isExpressionWanted(issue: Issue): boolean {
  return issue.code === 'invalid_format' && issue.format === 'regex' && issue.pattern === EXPRESSION_PATTERN;
}

export function sentenceOf(issue: Issue, value: unknown): string {
  // A schema of ours speaks for itself: its messages begin with a verb in lower case.
  if (/^[a-z]/.test(issue.message)) return issue.message;
  if (value === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}, not ${nameOf(value)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}${didYouMean(value, issue.values.map(String))}`;
    case 'too_big':
      return `must ${bound('at most', issue.maximum, issue.origin)}`;
    case 'too_small':
      return `must ${bound('at least', issue.minimum, issue.origin)}`;
    case 'invalid_key':
      return 'is no id: letters, digits and _, at most 64, not beginning with a digit';
    case 'invalid_union':
      return `must not be ${nameOf(value)}`;
    default:
      return `is not valid: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
  }
}

function bound(how: string, limit: number | bigint, origin: string): string {
  switch (origin) {
    case 'string':
      return `have ${how} ${limit} characters`;
    case 'array':
      return `have ${how} ${limit} items`;
    case 'object':
    case 'map':
      return `have ${how} ${limit} entries`;
    default:
      return `be ${how} ${limit}`;
  }
}

const NAMES: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function nameOf(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that JSON does not have';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return NAMES[typeof value] ?? typeof value;
}

function labelOf(label = '', path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return label === '' ? steps.replace(/^\./, '') : `${label}${steps}`;
}

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string | number, unknown> | undefined)?.[step], value);
}

/** Names of the fields that the schema has at the path. */
export function knownKeys(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return knownKeys(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => knownKeys(option, path));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    return step === undefined ? Object.keys(schema.shape) : knownKeys(schema.shape[step], rest);
  }
  if (schema instanceof z.ZodRecord && step !== undefined) return knownKeys(schema.valueType, rest);
  if (schema instanceof z.ZodArray && step !== undefined) return knownKeys(schema.element, rest);
  return [];
}
