// The interpreter of Amazon States Language: what each state does with data, time and errors.

import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Executions, type ExecutionsOptions } from '../../local/state-machine/executions.ts';

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:Trial';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const INVOKE = 'arn:aws:states:::lambda:invoke';

type Invoke = ExecutionsOptions['invoke'];

const echo: Invoke = async (_name, payload) => ({ payload });
const task = (more: object = {}) => ({
  Type: 'Task',
  Resource: INVOKE,
  Parameters: { FunctionName: FUNCTION, 'Payload.$': '$' },
  End: true,
  ...more,
});
const only = (state: object) => ({ StartAt: 'Only', States: { Only: state } });

async function run(definition: object, input: unknown = {}, invoke: Invoke = echo) {
  const executions = new Executions({
    machines: [{ arn: MACHINE, definition }],
    stateFile: null,
    invoke,
    secondMs: 10,
  });
  onTestFinished(() => executions.close());
  const { arn } = executions.start(MACHINE, JSON.stringify(input));
  for (;;) {
    const row = executions.execution(arn);
    if (row.status !== 'RUNNING') {
      const events = executions.journal.events(arn, { reverse: false, skip: 0, limit: 30_000 });
      return {
        ...row,
        output: JSON.parse(row.output ?? 'null') as unknown,
        seconds: (row.endedAt ?? 0) - row.startedAt,
        events,
      };
    }
    await delay(2);
  }
}

const failing = (errorType: string, times = Number.POSITIVE_INFINITY): { calls: () => number; invoke: Invoke } => {
  let calls = 0;
  return {
    calls: () => calls,
    invoke: async (_name, payload) => {
      calls += 1;
      return calls > times ? { payload } : { payload: { errorType, errorMessage: 'no' }, functionError: 'Unhandled' };
    },
  };
};

test('Pass hands on its result at ResultPath, beside the input', async () => {
  const state = { Type: 'Pass', Result: { a: 1 }, ResultPath: '$.made.here', End: true };
  expect(await run(only(state), { kept: true })).toMatchObject({
    status: 'SUCCEEDED',
    output: { kept: true, made: { here: { a: 1 } } },
  });
});

test('Pass shapes its input by InputPath, Parameters and OutputPath', async () => {
  const Parameters = { 'name.$': '$.name', list: [{ 'at.$': '$$.State.Name' }], fixed: 7 };
  const state = { Type: 'Pass', InputPath: '$.who', Parameters, ResultPath: '$.out', OutputPath: '$.out', End: true };
  const { output } = await run(only(state), { who: { name: 'Ada' } });
  expect(output).toEqual({ name: 'Ada', list: [{ at: 'Only' }], fixed: 7 });
});

test('a null path hands on an empty object, and a null ResultPath the input', async () => {
  expect(await run(only({ Type: 'Pass', OutputPath: null, End: true }), { a: 1 })).toMatchObject({ output: {} });
  expect(await run(only({ Type: 'Pass', InputPath: null, End: true }), { a: 1 })).toMatchObject({ output: {} });
  expect(await run(only({ Type: 'Pass', Result: 5, ResultPath: null, End: true }), { a: 1 })).toMatchObject({
    output: { a: 1 },
  });
});

test('a path that finds nothing fails the execution, whatever is caught', async () => {
  const state = task({
    Parameters: { FunctionName: FUNCTION, 'Payload.$': '$.missing' },
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Only' }],
  });
  expect(await run(only(state))).toMatchObject({
    status: 'FAILED',
    error: 'States.Runtime',
    cause: expect.stringContaining('$.missing'),
  });
});

test('a path named like a property of every object finds nothing and writes nothing special', async () => {
  const reads = { Type: 'Pass', InputPath: '$.constructor', End: true };
  expect(await run(only(reads))).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  const writes = { Type: 'Pass', Result: { polluted: true }, ResultPath: '$.__proto__', End: true };
  const { status } = await run(only(writes));
  expect(status).toBe('SUCCEEDED');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('Task wraps the answer of the function as AWS does', async () => {
  const { output } = await run(only(task()), { n: 1 });
  expect(output).toEqual({ ExecutedVersion: '$LATEST', Payload: { n: 1 }, StatusCode: 200 });
});

test('Task selects from the answer, and the function gets its own place', async () => {
  const definition = only(
    task({
      Parameters: {
        FunctionName: FUNCTION,
        Payload: {
          'machine.$': '$$.StateMachine.Id',
          'execution.$': '$$.Execution.Id',
          'input.$': '$$.Execution.Input',
        },
      },
      ResultSelector: { 'seen.$': '$.Payload' },
    }),
  );
  const { output, arn } = await run(definition, { x: 1 });
  expect(output).toEqual({ seen: { machine: MACHINE, execution: arn, input: { x: 1 } } });
  expect(arn.startsWith('arn:aws:states:us-east-1:000000000000:execution:Trial:')).toBe(true);
});

test('an error of the function goes by its type, with the whole payload as cause', async () => {
  const result = await run(only(task()), {}, failing('CustomError').invoke);
  expect(result).toMatchObject({ status: 'FAILED', error: 'CustomError' });
  expect(JSON.parse(result.cause ?? '')).toEqual({ errorType: 'CustomError', errorMessage: 'no' });
});

test('a function that cannot be reached fails by the name of the exception', async () => {
  const refuse =
    (name: string): Invoke =>
    () =>
      Promise.reject(Object.assign(new Error('busy'), { name }));
  expect(await run(only(task()), {}, refuse('TooManyRequestsException'))).toMatchObject({
    error: 'Lambda.TooManyRequestsException',
  });
  expect(await run(only(task()), {}, refuse('TypeError'))).toMatchObject({ error: 'Lambda.SdkClientException' });
});

test('Retry tries again with growing delays, up to its attempts and its longest delay', async () => {
  const { calls, invoke } = failing('Flaky', 3);
  const Retry = [{ ErrorEquals: ['Flaky'], IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 3, MaxAttempts: 3 }];
  const { status, seconds } = await run(only(task({ Retry })), {}, invoke);
  expect({ status, calls: calls() }).toEqual({ status: 'SUCCEEDED', calls: 4 });
  expect(seconds).toBeGreaterThanOrEqual(7.5);
});

test('Retry gives up after its attempts; each of its entries counts on its own', async () => {
  let calls = 0;
  const alternating: Invoke = async () => {
    calls += 1;
    return { payload: { errorType: calls % 2 ? 'A' : 'B' }, functionError: 'Unhandled' };
  };
  const Retry = ['A', 'B'].map((name) => ({ ErrorEquals: [name], IntervalSeconds: 1, MaxAttempts: 2, BackoffRate: 1 }));
  expect(await run(only(task({ Retry })), {}, alternating)).toMatchObject({ status: 'FAILED', error: 'A' });
  expect(calls).toBe(5);
});

test('MaxAttempts 0 never tries again', async () => {
  const { calls, invoke } = failing('A');
  const Retry = [{ ErrorEquals: ['A'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }];
  await run(only(task({ Retry })), {}, invoke);
  expect(calls()).toBe(1);
});

test('Catch goes on elsewhere, with the error at its ResultPath', async () => {
  const definition = {
    StartAt: 'Try',
    States: {
      Try: task({
        End: undefined,
        Next: 'Fine',
        Catch: [
          { ErrorEquals: ['Other'], Next: 'Fine' },
          { ErrorEquals: ['States.TaskFailed'], ResultPath: '$.failure', Next: 'Rescue' },
        ],
      }),
      Fine: { Type: 'Fail', Error: 'Wrong' },
      Rescue: { Type: 'Succeed' },
    },
  };
  const { status, output } = await run(definition, { kept: 1 }, failing('Broken').invoke);
  expect(status).toBe('SUCCEEDED');
  expect(output).toEqual({
    kept: 1,
    failure: { Error: 'Broken', Cause: '{"errorType":"Broken","errorMessage":"no"}' },
  });
});

test('a task that takes longer than its timeout fails with States.Timeout, which States.TaskFailed is not', async () => {
  const never: Invoke = () => new Promise(() => {});
  const Catch = [{ ErrorEquals: ['States.TaskFailed'], Next: 'Only' }];
  const { error, seconds } = await run(only(task({ TimeoutSeconds: 3, Catch })), {}, never);
  expect(error).toBe('States.Timeout');
  expect(seconds).toBeGreaterThanOrEqual(2.9);
});

test('the timeout may come from the input', async () => {
  const never: Invoke = () => new Promise(() => {});
  expect(await run(only(task({ TimeoutSecondsPath: '$.s' })), { s: 2 }, never)).toMatchObject({
    error: 'States.Timeout',
  });
  expect(await run(only(task({ TimeoutSecondsPath: '$.s' })), { s: 'soon' }, never)).toMatchObject({
    error: 'States.Runtime',
  });
});

test('Choice takes the first rule that holds, else its default', async () => {
  const definition = {
    StartAt: 'Choose',
    States: {
      Choose: {
        Type: 'Choice',
        Choices: [
          {
            And: [{ Variable: '$.n', NumericGreaterThan: 10 }, { Not: { Variable: '$.s', StringEquals: 'no' } }],
            Next: 'Big',
          },
          {
            Or: [
              { Variable: '$.s', IsPresent: false },
              { Variable: '$.n', NumericLessThanPath: '$.limit' },
            ],
            Next: 'Small',
          },
        ],
        Default: 'Other',
      },
      Big: { Type: 'Pass', Result: 'big', End: true },
      Small: { Type: 'Pass', Result: 'small', End: true },
      Other: { Type: 'Pass', Result: 'other', End: true },
    },
  };
  expect(await run(definition, { n: 11, s: 'yes' })).toMatchObject({ output: 'big' });
  expect(await run(definition, { n: 1 })).toMatchObject({ output: 'small' });
  expect(await run(definition, { n: 1, s: 'no', limit: 2 })).toMatchObject({ output: 'small' });
  expect(await run(definition, { n: 3, s: 'no', limit: 2 })).toMatchObject({ output: 'other' });
});

test('Choice without a default fails where nothing matches', async () => {
  const Choices = [{ Variable: '$.next', StringEquals: 'go', Next: 'Only' }];
  expect(await run(only({ Type: 'Choice', Choices }), { next: 'stop' })).toMatchObject({
    status: 'FAILED',
    error: 'States.NoChoiceMatched',
  });
});

test.each([
  [{ Variable: '$.v', StringMatches: 'a*b\\*c' }, 'axxb*c', true],
  [{ Variable: '$.v', StringMatches: 'a*a' }, 'a', false],
  [{ Variable: '$.v', StringMatches: '*x*y*' }, 'axbyc', true],
  [{ Variable: '$.v', StringMatches: '*x*y*' }, 'aybxc', false],
  [{ Variable: '$.v', StringLessThanEquals: 'b' }, 'b', true],
  [{ Variable: '$.v', NumericEquals: 1 }, '1', false],
  [{ Variable: '$.v', BooleanEquals: false }, false, true],
  [{ Variable: '$.v', IsNull: true }, null, true],
  [{ Variable: '$.v', IsNumeric: false }, 'x', true],
  [{ Variable: '$.v', IsTimestamp: true }, '2026-01-01T00:00:00Z', true],
  [{ Variable: '$.v', TimestampLessThan: '2026-01-01T00:00:00Z' }, '2026-01-01T00:00:00+01:00', true],
])('Choice compares %j with %j: %s', async (rule, v, expected) => {
  const definition = {
    StartAt: 'Choose',
    States: {
      Choose: { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
      Yes: { Type: 'Pass', Result: true, End: true },
      No: { Type: 'Pass', Result: false, End: true },
    },
  };
  expect(await run(definition, { v })).toMatchObject({ output: expected });
});

test('Wait takes its seconds from the definition or the input, and a past moment takes none', async () => {
  const { seconds } = await run(only({ Type: 'Wait', Seconds: 3, End: true }));
  expect(seconds).toBeGreaterThanOrEqual(2.9);
  const fromInput = await run(only({ Type: 'Wait', SecondsPath: '$.s', End: true }), { s: 3 });
  expect(fromInput.seconds).toBeGreaterThanOrEqual(2.9);
  const past = { Type: 'Wait', TimestampPath: '$.at', End: true };
  expect(await run(only(past), { at: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 'SUCCEEDED' });
});

test('Fail ends the execution with its error and cause', async () => {
  expect(await run(only({ Type: 'Fail', Error: 'Nope', Cause: 'because' }))).toMatchObject({
    status: 'FAILED',
    error: 'Nope',
    cause: 'because',
  });
});

test('the machine times out as a whole', async () => {
  const looping = { TimeoutSeconds: 5, StartAt: 'A', States: { A: { Type: 'Wait', Seconds: 1, Next: 'A' } } };
  const { status, events } = await run(looping);
  expect(status).toBe('TIMED_OUT');
  expect(events.at(-1)?.type).toBe('ExecutionTimedOut');
});

test('data over 256 KiB between states fails, and States.ALL does not catch it', async () => {
  const big: Invoke = async () => ({ payload: 'x'.repeat(256 * 1024) });
  const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Only' }];
  const Retry = [{ ErrorEquals: ['States.ALL'] }];
  expect(await run(only(task({ Catch, Retry })), {}, big)).toMatchObject({
    status: 'FAILED',
    error: 'States.DataLimitExceeded',
  });
});

test('an execution ends at 25,000 events', { timeout: 30_000 }, async () => {
  const endless = { StartAt: 'A', States: { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } } };
  const { status, events } = await run(endless);
  expect(status).toBe('FAILED');
  expect(events).toHaveLength(25_000);
  expect(events.at(-1)?.type).toBe('ExecutionFailed');
});

test('the history shows what happened, in order', async () => {
  const { events } = await run(only(task()));
  expect(events.map(({ type }) => type)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
});
