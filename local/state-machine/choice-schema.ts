// The shape of a Choice state's rules, made from the table of operators in choice.ts.

import { z } from 'zod';
import { COMPARISONS, isTimestamp, QUESTIONS, type Rule } from './choice.ts';
import { path } from './path-schema.ts';

const OPERANDS = {
  string: z.string(),
  number: z.number(),
  boolean: z.boolean(),
  timestamp: z.string().refine(isTimestamp, 'is not an RFC 3339 timestamp'),
};

const comparisons = Object.entries(COMPARISONS).flatMap(([name, { operand }]) => [
  [name, OPERANDS[operand].optional()],
  [`${name}Path`, path.optional()],
]);
const questions = Object.keys(QUESTIONS).map((name) => [name, z.boolean().optional()]);
const operators: Record<string, z.ZodType> = {
  StringMatches: z.string().optional(),
  ...Object.fromEntries([...comparisons, ...questions]),
};

const innerRule: z.ZodType<Rule> = z.lazy(() => ruleWith({}));

/** A rule at the top of a Choice says where to go; the rules within it do not. */
export const choiceRule = ruleWith({ Next: z.string() });

function ruleWith<Extra extends z.ZodRawShape>(extra: Extra) {
  return z
    .strictObject({
      Comment: z.string().optional(),
      Variable: path.optional(),
      And: z.array(innerRule).min(1).optional(),
      Or: z.array(innerRule).min(1).optional(),
      Not: innerRule.optional(),
      ...operators,
      ...extra,
    })
    .refine(hasOneTest, 'needs And, Or, Not, or a Variable and exactly one operator');
}

function hasOneTest(rule: Record<string, unknown>): boolean {
  const tests = Object.keys(rule).filter((name) => !['Comment', 'Variable', 'Next'].includes(name));
  if (tests.length !== 1) return false;
  const isLogical = tests.some((name) => ['And', 'Or', 'Not'].includes(name));
  return isLogical === (rule['Variable'] === undefined);
}
