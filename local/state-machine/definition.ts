// The part of Amazon States Language that runs here: Pass, Task (lambda:invoke), Choice, Wait, Succeed and Fail, in
// JSONPath. Anything else is refused when a definition is loaded, by the names of the state and the field.

import { z } from 'zod';
import { isTimestamp } from './choice.ts';
import { choiceRule } from './choice-schema.ts';
import { inputPath, path, template } from './path-schema.ts';

const seconds = z.int().min(1).max(99_999_999);
const errorNames = z.array(z.string().min(1)).min(1);
const RESOURCE = /^arn:aws[a-z-]*:states:::lambda:invoke(\.waitForTaskToken)?$/;

const described = { Comment: z.string().optional(), QueryLanguage: z.literal('JSONPath').optional() };
const filtered = { InputPath: path.nullable().optional(), OutputPath: path.nullable().optional() };
const flowing = { Next: z.string().optional(), End: z.literal(true).optional() };
const resulting = { ResultPath: inputPath.nullable().optional() };

const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  IntervalSeconds: seconds.default(1),
  MaxAttempts: z.int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: seconds.optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});

const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorNames,
  Next: z.string(),
  ...resulting,
});

const pass = z.strictObject({
  Type: z.literal('Pass'),
  Parameters: template.optional(),
  Result: z.json().optional(),
  ...described,
  ...filtered,
  ...flowing,
  ...resulting,
});

const task = z
  .strictObject({
    Type: z.literal('Task'),
    Resource: z.string().regex(RESOURCE, 'only arn:aws:states:::lambda:invoke[.waitForTaskToken] runs here'),
    Parameters: z
      .strictObject({
        FunctionName: z.string().min(1).optional(),
        'FunctionName.$': path.optional(),
        Payload: template.optional(),
        'Payload.$': path.optional(),
      })
      .refine((it) => (it.FunctionName ?? it['FunctionName.$']) !== undefined, 'names no function'),
    ResultSelector: template.optional(),
    TimeoutSeconds: seconds.optional(),
    TimeoutSecondsPath: path.optional(),
    Retry: z.array(retrier).default([]),
    Catch: z.array(catcher).default([]),
    ...described,
    ...filtered,
    ...flowing,
    ...resulting,
  })
  .refine((state) => !(state.TimeoutSeconds && state.TimeoutSecondsPath), 'has TimeoutSeconds and TimeoutSecondsPath');

const choice = z.strictObject({
  Type: z.literal('Choice'),
  Choices: z.array(choiceRule).min(1),
  Default: z.string().optional(),
  ...described,
  ...filtered,
});

const WAIT_FIELDS = ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'] as const;
const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    Seconds: z.int().min(0).max(99_999_999).optional(),
    SecondsPath: path.optional(),
    Timestamp: z.string().refine(isTimestamp, 'is not an RFC 3339 timestamp').optional(),
    TimestampPath: path.optional(),
    ...described,
    ...filtered,
    ...flowing,
  })
  .refine(
    (state) => WAIT_FIELDS.filter((name) => state[name] !== undefined).length === 1,
    'needs exactly one duration',
  );

const succeed = z.strictObject({ Type: z.literal('Succeed'), ...described, ...filtered });
const fail = z.strictObject({
  Type: z.literal('Fail'),
  Error: z.string().min(1),
  Cause: z.string().optional(),
  ...described,
});

const state = z.discriminatedUnion('Type', [pass, task, choice, wait, succeed, fail]);

const definition = z
  .strictObject({
    ...described,
    Version: z.literal('1.0').optional(),
    StartAt: z.string(),
    TimeoutSeconds: seconds.optional(),
    States: z.record(z.string().min(1).max(80), state),
  })
  .superRefine((machine, context) => {
    for (const problem of transitionProblems(machine)) context.addIssue({ code: 'custom', ...problem });
  });

export type Definition = z.infer<typeof definition>;
export type State = z.infer<typeof state>;
export type PassState = z.infer<typeof pass>;
export type TaskState = z.infer<typeof task>;
export type ChoiceState = z.infer<typeof choice>;
export type WaitState = z.infer<typeof wait>;

/** Throws an error that names every state and field that is wrong or does not run here. */
export function readDefinition(source: unknown): Definition {
  const parsed = definition.safeParse(source);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the machine'}: ${issue.message}`);
  throw new Error(`The state machine does not run here. ${problems.join('; ')}`);
}

type Problem = { path: string[]; message: string };

function transitionProblems(machine: { StartAt: string; States: Record<string, State> }): Problem[] {
  const targets = Object.entries(machine.States).flatMap(([name, from]) =>
    listTargets(from).map(([field, target]) => ({ path: ['States', name, field], target })),
  );
  const unknown = [{ path: ['StartAt'], target: machine.StartAt }, ...targets]
    .filter(({ target }) => !Object.hasOwn(machine.States, target))
    .map(({ path, target }) => ({ path, message: `there is no state '${target}'` }));
  const stuck = Object.entries(machine.States)
    .filter(([, from]) => 'Next' in from || 'End' in from || ['Pass', 'Task', 'Wait'].includes(from.Type))
    .filter(([, from]) => hasTwoWaysOrNone(from))
    .map(([name]) => ({ path: ['States', name], message: 'needs Next or End, and not both' }));
  return [...unknown, ...stuck];
}

function hasTwoWaysOrNone(from: State): boolean {
  const { Next, End } = from as { Next?: string; End?: true };
  return (Next === undefined) === (End === undefined);
}

function listTargets(from: State): [field: string, target: string][] {
  if (from.Type === 'Choice') {
    const rules = from.Choices.map(({ Next }): [string, string] => ['Choices', Next]);
    return from.Default === undefined ? rules : [...rules, ['Default', from.Default]];
  }
  if (from.Type === 'Succeed' || from.Type === 'Fail') return [];
  const next: [string, string][] = from.Next === undefined ? [] : [['Next', from.Next]];
  const caught = from.Type === 'Task' ? from.Catch.map(({ Next }): [string, string] => ['Catch', Next]) : [];
  return [...next, ...caught];
}
