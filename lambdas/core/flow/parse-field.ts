// Checks one field of a source against its schema and reports each problem at its line and column.

import type * as z from 'zod';
import { suggest } from '../parse/suggest.ts';
import { describeIssue, type Issue, listKnownKeys, readAt } from '../parse/zod-messages.ts';
import { EXPRESSION } from './fields.ts';
import type { Problems } from './problems.ts';
import type { Path } from './source.ts';

interface Checked {
  schema: z.ZodType;
  value: unknown;
  /** The place of the value in the source. */
  path: Path;
  /** The name of the value in messages; absent for the whole flow. */
  label?: string;
}

/** The parsed value; undefined where it has problems, which are reported. */
export function parseField<T>(problems: Problems, checked: Checked & { schema: z.ZodType<T> }): T | undefined {
  const parsed = checked.schema.safeParse(checked.value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) addProblem(problems, checked, issue);
  return undefined;
}

const MAX_UNKNOWN_KEYS = 20;
const EXPRESSION_PATTERN = String(EXPRESSION);

function addProblem(problems: Problems, checked: Checked, issue: Issue): void {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const known = listKnownKeys(checked.schema, path);
    for (const key of issue.keys.slice(0, MAX_UNKNOWN_KEYS)) {
      const where = joinLabel(checked.label, path);
      const message = `unknown field '${key}'${where && ` of '${where}'`}${suggest(key, known)}`;
      problems.error([...checked.path, ...path, key], message, 'key');
    }
    return;
  }
  const nested = issue.code === 'invalid_union' ? findClosest(issue) : undefined;
  if (nested !== undefined) {
    for (const inner of nested) addProblem(problems, checked, { ...inner, path: [...issue.path, ...inner.path] });
    return;
  }
  const label = joinLabel(checked.label, path);
  const message = describeIssue(issue, readAt(checked.value, path));
  const atKey = issue.code === 'invalid_key';
  problems.error([...checked.path, ...path], label ? `'${label}' ${message}` : message, atKey ? 'key' : 'value');
}

/** The alternative that the author meant: it fails deeper in, or for more than its type. */
function findClosest({ errors }: z.core.$ZodIssueInvalidUnion): Issue[] | undefined {
  const meant = errors.filter((issues) => issues.length > 0 && !issues.some(isExpressionWanted));
  const close = meant.find((issues) => !issues.some((it) => it.path.length === 0 && it.code === 'invalid_type'));
  // Where one of two alternatives is an expression, the author meant the other.
  return close ?? (errors.length === 2 ? meant.at(-1) : undefined);
}

/** Most fields accept an expression, too; the message for an author who wrote neither must not mention it. */
function isExpressionWanted(issue: Issue): boolean {
  return issue.code === 'invalid_format' && issue.format === 'regex' && issue.pattern === EXPRESSION_PATTERN;
}

function joinLabel(label = '', path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return label === '' ? steps.replace(/^\./, '') : `${label}${steps}`;
}
