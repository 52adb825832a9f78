// The code node: a function `main` in JavaScript or Python, run outside the platform's functions. The limits of its
// process belong to lambdas/code-node and lambdas/code-python.

import * as z from 'zod';
import type { WithProblem } from '../../flow/authored-kind.ts';
import { anyValue, byteSize, ID, orExpression } from '../../flow/fields.ts';
import type { JsonObject } from '../../json.ts';
import {
  CODE_MEMORY_MAX_MB,
  CODE_MEMORY_MB,
  CODE_MEMORY_MIN_MB,
  CODE_PRINTED_BYTES,
  CODE_RESULT_BYTES,
  CODE_SOURCE_CHARS,
  CODE_TIMEOUT_SECONDS,
  MAX_JSON_DEPTH,
} from '../../limits.ts';
import { CODE_LANGUAGES, type CodeEnd, type CodeJob, type CodeLanguage } from '../../ports/runners.ts';
import { readInput } from '../node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import { findSourceProblem } from './source.ts';

const MB = 1_024 * 1_024;
const args = z.record(z.string().regex(ID), anyValue);
const evaluated = z.object({ args: args.optional() });

interface CodeWith extends JsonObject {
  language: CodeLanguage;
  source: string;
  args: JsonObject;
  returns: JsonObject;
  /** Bytes. */
  memory: number;
}

async function check({ language, source, returns }: CodeWith): Promise<WithProblem[]> {
  const problem = findSourceProblem(language, source);
  const found: WithProblem[] = problem
    ? [{ path: ['source'], ...problem, message: `the ${NAMES[language]} of this node ${problem.message}` }]
    : [];
  if (returns !== undefined) {
    const { toZod } = await import('../../flow/value-schema.ts');
    try {
      toZod(returns);
    } catch (error) {
      found.push({ path: ['returns'], message: `'with.returns': ${(error as Error).message}` });
    }
  }
  return found;
}

const NAMES: Record<CodeLanguage, string> = { javascript: 'JavaScript', python: 'Python' };

async function run(context: NodeContext, input: CodeWith): Promise<Outcome> {
  const read = readInput(evaluated, { args: input.args ?? null });
  if ('refused' in read) return read.refused;
  const { language, source, memory = CODE_MEMORY_MB * MB } = input;
  const job: CodeJob = {
    source,
    args: (read.input.args ?? {}) as JsonObject,
    limits: {
      timeoutMs: shortenTimeout(context.timeoutMs),
      memoryMb: Math.floor(memory / MB),
      resultBytes: CODE_RESULT_BYTES,
      resultDepth: MAX_JSON_DEPTH,
      printedBytes: CODE_PRINTED_BYTES,
    },
  };
  const { run: ran, ports, signal } = context;
  const end = await ports.code.run({ language, tenant: ran.tenant, job, signal });
  if (end.kind === 'unavailable') {
    return failed('node-failed', `The code could not be run: ${end.message}`, { retryable: end.retryable });
  }
  return end.kind === 'failed'
    ? reportFailure(end, { job, timeoutMs: context.timeoutMs })
    : checkResult(end.result, input);
}

/** A little less than the node's timeout, so that the function can still report the result of the code. */
function shortenTimeout(nodeTimeoutMs: number): number {
  return nodeTimeoutMs - Math.min(500, Math.ceil(nodeTimeoutMs / 10));
}

async function checkResult(result: JsonObject, { returns }: CodeWith): Promise<Outcome> {
  if (returns === undefined || returns === null) return done(result);
  const { findSchemaProblems } = await import('../../flow/value-schema.ts');
  const problems = findSchemaProblems(returns, result);
  if (problems.length === 0) return done(result);
  return failed('node-failed', `The result of the code ${problems.join('; ')}`, {
    details: problems.map((message) => ({ field: 'with.returns', message: `the result ${message}` })),
  });
}

type Failed = Extract<CodeEnd, { kind: 'failed' }>;

function reportFailure(end: Failed, { job, timeoutMs }: { job: CodeJob; timeoutMs: number }): Outcome {
  const { reason, line, column, printed } = end;
  const isTimeout = reason === 'timed-out';
  const details = [
    {
      field: 'with.source',
      message: end.message,
      line,
      column,
    },
    ...(printed ? [{ field: 'printed', message: printed }] : []),
  ];
  const message = describeFailure(end, { memoryMb: job.limits.memoryMb, seconds: timeoutMs / 1_000 });
  // A retry may succeed: the code may call other services.
  const retryable = isTimeout || reason === 'threw' || reason === 'exited';
  return failed(isTimeout ? 'node-timed-out' : 'node-failed', message, { retryable, details });
}

function describeFailure({ reason, line, message }: Failed, limits: { memoryMb: number; seconds: number }): string {
  const where = line === undefined ? '' : ` at line ${line}`;
  switch (reason) {
    case 'not-loaded':
      return `The code could not be loaded${where}: ${message}`;
    case 'no-main':
      return `The code has no function main: ${message}`;
    case 'threw':
      return `The code failed${where}: ${message}`;
    case 'wrong-result':
      return `The result of the code cannot be used: ${message}`;
    case 'too-large':
      return `The result of the code is too large: ${message}`;
    case 'timed-out':
      return `The code took longer than ${limits.seconds} s and was stopped`;
    case 'out-of-memory':
      return `The code used more than ${limits.memoryMb} MB of memory and was stopped (raise the limit with \`memory:\`)`;
    case 'exited':
      return `The process exited before main returned: ${message}`;
  }
}

export const CODE: NodeKind<CodeWith> = {
  type: 'code',
  summary: 'Runs a function main, in JavaScript or Python, with `args`. Gives the object that it returns.',
  fields: {
    language: 'javascript or python',
    source: 'The code, with a function main; it is no template',
    args: 'What main is called with',
    returns: 'JSON Schema that the result must fit',
    memory: 'The most memory it may use, 128MB to 1GB (256MB)',
  },
  with: z.strictObject({
    language: z.enum(CODE_LANGUAGES),
    source: z.string().min(1).max(CODE_SOURCE_CHARS),
    args: orExpression(args).optional(),
    returns: z.record(z.string(), anyValue).optional(),
    memory: byteSize({ maxBytes: CODE_MEMORY_MAX_MB * MB })
      .refine((bytes) => bytes >= CODE_MEMORY_MIN_MB * MB, { error: `must be at least ${CODE_MEMORY_MIN_MB}MB` })
      .optional(),
  }),
  defaultTimeoutMs: CODE_TIMEOUT_SECONDS * 1_000,
  rawFields: ['source', 'returns'],
  check,
  run,
};
