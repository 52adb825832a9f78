// Checks one field of a source against its schema and notes each problem at its line and column.

import type * as z from 'zod';
import { didYouMean } from '../parse/suggest.ts';
import { describeIssue, type Issue, knownKeys, valueAt } from '../parse/zod-messages.ts';
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
  const sentence = describeIssue(issue, valueAt(checked.value, path));
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

function labelOf(label = '', path: Path): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
  return label === '' ? steps.replace(/^\./, '') : `${label}${steps}`;
}
