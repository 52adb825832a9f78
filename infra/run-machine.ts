// The one state machine that carries long and waiting runs, in Amazon States Language. It knows ids only: what a run is
// and what comes next is decided by the `advance` function, and the sweeper starts a run's next execution should one fail.

import { ADVANCE_TIMEOUT_SECONDS, LEASE_SECONDS, RUN_CEILING_SECONDS } from '../lambdas/core/limits.ts';

// The function could not be started: nothing has happened yet, so trying again soon is harmless.
const RETRY_START = {
  ErrorEquals: [
    'Lambda.TooManyRequestsException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
  ],
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxDelaySeconds: 60,
  MaxAttempts: 10,
  JitterStrategy: 'FULL',
};

// The function ended in the middle of a slice: its lease must run out before the run can be claimed again.
const RETRY_SLICE = {
  ErrorEquals: ['States.TaskFailed', 'States.Timeout'],
  IntervalSeconds: LEASE_SECONDS,
  BackoffRate: 2,
  MaxAttempts: 3,
};

/**
 * Input and state of an execution: `{ runId, handoff, next: 'advance' | 'park' | 'done', parkSeconds }`, which the
 * function hands back after every slice. JSONPath, because every independent interpreter of the language runs it.
 */
export function runMachine({ advanceArn, partition }: { advanceArn: string; partition: string }): object {
  const invoke = `arn:${partition}:states:::lambda:invoke`;
  const identity = { 'runId.$': '$.runId', 'handoff.$': '$.handoff' };
  return {
    Comment: 'Carries a run that outlives a slice or waits, until it has ended',
    QueryLanguage: 'JSONPath',
    TimeoutSeconds: RUN_CEILING_SECONDS,
    StartAt: 'Route',
    States: {
      Route: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.next', StringEquals: 'advance', Next: 'Advance' },
          { Variable: '$.next', StringEquals: 'park', Next: 'Park' },
        ],
        Default: 'Done',
      },
      Advance: {
        Type: 'Task',
        Comment: 'Runs one slice',
        Resource: invoke,
        Parameters: {
          FunctionName: advanceArn,
          Payload: { action: 'advance', ...identity, 'machine.$': '$$.StateMachine.Id' },
        },
        OutputPath: '$.Payload',
        TimeoutSeconds: ADVANCE_TIMEOUT_SECONDS + LEASE_SECONDS,
        Retry: [RETRY_START, RETRY_SLICE],
        // The sweeper is the guarantee: an execution that gives up only makes the run later.
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Done' }],
        Next: 'Route',
      },
      Park: {
        Type: 'Task',
        Comment: 'Waits for a signal, or for the earliest timer of the run',
        Resource: `${invoke}.waitForTaskToken`,
        Parameters: {
          FunctionName: advanceArn,
          Payload: { action: 'park', ...identity, 'token.$': '$$.Task.Token' },
        },
        ResultPath: null,
        TimeoutSecondsPath: '$.parkSeconds',
        Retry: [RETRY_START],
        // A timer that is due looks like any other wake: the slice works out what is ready.
        Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Advance' }],
        Next: 'Advance',
      },
      Done: { Type: 'Succeed' },
    },
  };
}
