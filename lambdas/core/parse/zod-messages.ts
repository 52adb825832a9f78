// Turns one issue of zod into a plain message: what the value must be, and a suggestion where one is near.

import * as z from 'zod';
import { suggest } from './suggest.ts';

export type Issue = z.core.$ZodIssue;
type Path = readonly (string | number)[];

export function describeIssue(issue: Issue, value: unknown): string {
  // Our own schemas bring their messages, which begin with a verb in lower case.
  if (/^[a-z]/.test(issue.message)) return issue.message;
  if (value === undefined) return 'is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}, not ${describeType(value)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}${suggest(value, issue.values.map(String))}`;
    case 'too_big':
      return `must ${describeBound('at most', issue.maximum, issue.origin)}`;
    case 'too_small':
      return `must ${describeBound('at least', issue.minimum, issue.origin)}`;
    case 'invalid_key':
      return 'is not a valid id: use letters, digits and _, at most 64, and no digit at the beginning';
    case 'invalid_union':
      return `must not be ${describeType(value)}`;
    default:
      return `is not valid: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
  }
}

function describeBound(how: string, limit: number | bigint, origin: string): string {
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
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function describeType(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number that JSON does not have';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return NAMES[typeof value] ?? typeof value;
}

export function readAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<string | number, unknown> | undefined)?.[step], value);
}

/** Names of the fields that the schema has at the path. */
export function listKnownKeys(schema: unknown, path: Path): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return listKnownKeys(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => listKnownKeys(option, path));
  const [step, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    return step === undefined ? Object.keys(schema.shape) : listKnownKeys(schema.shape[step], rest);
  }
  if (schema instanceof z.ZodRecord && step !== undefined) return listKnownKeys(schema.valueType, rest);
  if (schema instanceof z.ZodArray && step !== undefined) return listKnownKeys(schema.element, rest);
  return [];
}
