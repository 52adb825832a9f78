// The local interpreter beside another one that was written from the specification alone: for the part of the language
// that both know, they must give the same answer.

import { setTimeout as delay } from 'node:timers/promises';
import { StateMachine } from 'aws-local-stepfunctions';
import { expect, onTestFinished, test } from 'vitest';
import { Executions } from '../../local/state-machine/executions.ts';

type Handler = (payload: unknown) => unknown;
type Answer = { output: unknown } | { error: string };

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Trial';
const INVOKE = 'arn:aws:states:::lambda:invoke';

class Broken extends Error {
  constructor() {
    super('no');
    this.name = 'Broken';
  }
}

async function ours(definition: object, input: unknown, handler: Handler): Promise<Answer> {
  const invoke = async (_name: string, payload: unknown) => {
    try {
      return { payload: handler(payload) };
    } catch (error) {
      return { payload: { errorType: (error as Error).name }, functionError: 'Unhandled' };
    }
  };
  const executions = new Executions({ machines: [{ arn: MACHINE, definition }], stateFile: null, invoke, secondMs: 1 });
  onTestFinished(() => executions.close());
  const { arn } = executions.start(MACHINE, JSON.stringify(input));
  while (executions.execution(arn).status === 'RUNNING') await delay(1);
  const { output, error } = executions.execution(arn);
  return output === null ? { error: error ?? '' } : { output: JSON.parse(output) };
}

// The other one takes a task's override by the name of its state, with what AWS calls the parameters of the call, and
// knows no wrapping of the function's answer.
async function theirs(definition: { States: object }, input: unknown, handler: Handler): Promise<Answer> {
  const names = Object.keys(definition.States);
  const called = (parameters: unknown) => {
    const { Payload = {} } = parameters as { Payload?: unknown };
    return Promise.resolve({ ExecutedVersion: '$LATEST', Payload: handler(Payload), StatusCode: 200 });
  };
  const machine = new StateMachine(definition as never, { validationOptions: { checkArn: false } });
  const execution = machine.run(input as never, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(names.map((name) => [name, called])) as never,
      waitTimeOverrides: Object.fromEntries(names.map((name) => [name, 1])),
      retryIntervalOverrides: Object.fromEntries(names.map((name) => [name, 1])),
    },
  });
  try {
    return { output: await execution.result };
  } catch (error) {
    const { name, message } = error as Error;
    return {
      error:
        name === 'ExecutionError'
          ? (/^Execution has failed with the following error: (.*)$/.exec(message)?.[1] ?? message)
          : name,
    };
  }
}

const task = (more: object) => ({
  Type: 'Task',
  Resource: INVOKE,
  Parameters: { FunctionName: 'f', 'Payload.$': '$' },
  ...more,
});
const chooser = (rules: object[]) => ({
  StartAt: 'Choose',
  States: {
    Choose: { Type: 'Choice', Choices: rules.map((rule, index) => ({ ...rule, Next: `R${index}` })), Default: 'None' },
    ...Object.fromEntries(rules.map((_, index) => [`R${index}`, { Type: 'Pass', Result: `rule ${index}`, End: true }])),
    None: { Type: 'Pass', Result: 'none', End: true },
  },
});
const passing = (fields: object) => ({ StartAt: 'A', States: { A: { Type: 'Pass', ...fields, End: true } } });

const COMPARED = chooser([
  { Variable: '$.s', StringEquals: 'a' },
  { Variable: '$.n', NumericGreaterThanEquals: 10 },
  {
    And: [
      { Variable: '$.n', NumericLessThan: 0 },
      { Variable: '$.b', BooleanEquals: true },
    ],
  },
  {
    Or: [
      { Variable: '$.t', TimestampGreaterThan: '2026-01-01T00:00:00Z' },
      { Variable: '$.s', StringMatches: 'x*z' },
    ],
  },
  { Not: { Variable: '$.s', StringLessThan: 'm' } },
  { Variable: '$.o', IsNull: true },
]);
const AT = { s: 'b', n: 1, b: false, t: '2025-01-01T00:00:00Z', o: 1 };

const FLAKY = {
  StartAt: 'Try',
  States: {
    Try: task({
      ResultSelector: { 'value.$': '$.Payload' },
      ResultPath: '$.tried',
      Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 2 }],
      Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Rescue' }],
      Next: 'Wait',
    }),
    Wait: { Type: 'Wait', Seconds: 1, Next: 'End' },
    Rescue: { Type: 'Pass', Result: 'rescued', ResultPath: '$.how', Next: 'End' },
    End: { Type: 'Succeed', OutputPath: '$' },
  },
};

const CASES: [what: string, definition: { States: object }, input: unknown][] = [
  ['Pass as it is', passing({}), { a: [1, { b: null }] }],
  ['Pass with a result', passing({ Result: [1, 2] }), { a: 1 }],
  ['Pass with a result beside the input', passing({ Result: 1, ResultPath: '$.x.y' }), { a: 1, x: { z: 2 } }],
  ['Pass with a result put aside', passing({ Result: 1, ResultPath: null }), { a: 1 }],
  ['Pass with parameters', passing({ Parameters: { 'b.$': '$.a[1]', c: [{ 'd.$': "$['a']" }] } }), { a: [1, 2] }],
  ['Pass within its paths', passing({ InputPath: '$.a', OutputPath: '$.b' }), { a: { b: { c: 1 } } }],
  [
    'Pass with a filtered input and a result beside the raw one',
    passing({ InputPath: '$.a', ResultPath: '$.r' }),
    { a: { b: 1 } },
  ],
  ...[
    {},
    { s: 'a' },
    { n: 10 },
    { n: -1, b: true },
    { t: '2026-06-01T00:00:00Z' },
    { s: 'xyz' },
    { s: 'p' },
    { o: null },
  ].map((more): [string, { States: object }, unknown] => [
    `Choice of ${JSON.stringify(more)}`,
    COMPARED,
    { ...AT, ...more },
  ]),
  [
    'Choice that matches nothing',
    {
      StartAt: 'A',
      States: {
        A: { Type: 'Choice', Choices: [{ Variable: '$.a', IsString: true, Next: 'Z' }] },
        Z: { Type: 'Succeed' },
      },
    } as { States: object },
    { a: 1 },
  ],
  ['Task that answers', FLAKY, { failures: 0 }],
  ['Task that answers at last', FLAKY, { failures: 2 }],
  ['Task that is caught', FLAKY, { failures: 9 }],
  // The other one answers the cause where ours answers the error.
  ['Fail', { StartAt: 'A', States: { A: { Type: 'Fail', Error: 'Nope', Cause: 'Nope' } } } as { States: object }, {}],
];

test.each(CASES)('both interpreters agree about a %s', async (_what, definition, input) => {
  const flaky = (): Handler => {
    let calls = 0;
    return (payload) => {
      calls += 1;
      if (calls <= Number((payload as { failures?: number }).failures ?? 0)) throw new Broken();
      return calls;
    };
  };
  const answer = await ours(definition, input, flaky());
  expect(answer).toEqual(await theirs(definition, input, flaky()));
});
