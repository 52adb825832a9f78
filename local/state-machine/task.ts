// The Task state: invokes a function, or parks until the task token is completed; Retry and Catch around it.

import { giveOutput, limited, placeResult, takeInput } from './data-flow.ts';
import type { TaskState } from './definition.ts';
import { buildContext, type Entry, type Execution, type Step } from './execution.ts';
import { StateFailure } from './failure.ts';
import { isObject, type Json, readSeconds, type Scope } from './path.ts';
import { matchesError, retryDelaySeconds } from './retry.ts';
import { fillTemplate } from './template.ts';

const RESOURCE = { resourceType: 'lambda', resource: 'invoke' };

const isParking = (task: TaskState): boolean => task.Resource.endsWith('.waitForTaskToken');
const readRegion = (arn: string): string => arn.split(':')[3] || 'us-east-1';
const timedOut = (): StateFailure => new StateFailure('States.Timeout', 'The task took longer than its timeout');

interface Attempt {
  execution: Execution;
  task: TaskState;
  entry: Entry;
  /** 0 for the first attempt. */
  retryCount: number;
}

export async function runTask(execution: Execution, task: TaskState, entry: Entry): Promise<Step> {
  const retried = task.Retry.map(() => 0);
  for (let retryCount = 0; ; retryCount++) {
    try {
      return { output: await runAttempt({ execution, task, entry, retryCount }), next: task.Next };
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error;
      recordFailure(execution, error);
      const which = task.Retry.findIndex(({ ErrorEquals }) => matchesError(ErrorEquals, error));
      const retrier = task.Retry[which];
      const attempts = (retried[which] ?? 0) + 1;
      if (!retrier || attempts > retrier.MaxAttempts) return catchFailure(task, entry, error);
      retried[which] = attempts;
      await execution.world.sleep(retryDelaySeconds(retrier, attempts, execution.world.random()), execution.signal);
    }
  }
}

function catchFailure(task: TaskState, { input }: Entry, failure: StateFailure): Step {
  const catcher = task.Catch.find(({ ErrorEquals }) => matchesError(ErrorEquals, failure));
  if (!catcher) throw failure;
  const output = placeResult(catcher.ResultPath, input, { Error: failure.error, Cause: failure.message });
  return { output, next: catcher.Next };
}

async function runAttempt(attempt: Attempt): Promise<Json> {
  const { execution, task, entry, retryCount } = attempt;
  const parked = isParking(task) ? execution.world.tokens.open(execution.context.Execution.Id) : undefined;
  try {
    const context = buildContext(execution, entry, { retryCount, token: parked?.token });
    const scope: Scope = { input: entry.input, context };
    const seconds = secondsLeft(attempt, scope);
    if (seconds <= 0) throw timedOut();
    const answer = invoke(attempt, scope);
    const result = parked ? Promise.race([parked.completion, rethrowFailure(answer)]) : answer;
    const raw = limited(await withinTime(execution, { result, seconds }));
    const details = { ...RESOURCE, output: JSON.stringify(raw) };
    execution.ledger.record('TaskSucceeded', { taskSucceededEventDetails: details });
    const selected = task.ResultSelector ? fillTemplate(task.ResultSelector, { ...scope, input: raw }) : raw;
    return giveOutput(task, { ...scope, input: placeResult(task.ResultPath, entry.input, selected) });
  } finally {
    parked?.close();
  }
}

// What the function of a parked task answers means nothing; that it failed fails the task.
function rethrowFailure(answer: Promise<unknown>): Promise<never> {
  return answer.then(() => new Promise<never>(() => {}));
}

/** A parked task that is entered again after a restart has what is left of its time; any other attempt has all of it. */
function secondsLeft({ execution, task, entry, retryCount }: Attempt, scope: Scope): number {
  const seconds = task.TimeoutSecondsPath ? readSeconds(task.TimeoutSecondsPath, scope) : task.TimeoutSeconds;
  if (seconds === undefined) return Number.POSITIVE_INFINITY;
  return isParking(task) && retryCount === 0 ? entry.at + seconds - execution.world.now() : seconds;
}

async function withinTime(
  { world, signal }: Execution,
  { result, seconds }: { result: Promise<Json>; seconds: number },
): Promise<Json> {
  if (seconds === Number.POSITIVE_INFINITY) return result;
  const clock = new AbortController();
  const timeout = world.sleep(seconds, AbortSignal.any([signal, clock.signal])).then(() => {
    throw timedOut();
  });
  // Whichever loses the race is nobody's concern any more.
  for (const loser of [timeout, result]) loser.catch(() => {});
  try {
    return await Promise.race([result, timeout]);
  } finally {
    clock.abort();
  }
}

async function invoke({ execution, task }: Attempt, scope: Scope): Promise<Json> {
  const filled = fillTemplate(task.Parameters as Json, { ...scope, input: takeInput(task, scope) });
  const { FunctionName, Payload = {} } = filled as { FunctionName: string; Payload?: Json };
  execution.ledger.record('TaskScheduled', {
    taskScheduledEventDetails: { ...RESOURCE, region: readRegion(FunctionName), parameters: JSON.stringify(filled) },
  });
  execution.ledger.record('TaskStarted', { taskStartedEventDetails: RESOURCE });
  const answer = await execution.world.invoke(FunctionName, limited(Payload)).catch((cause: unknown) => {
    throw invocationFailure(cause);
  });
  const result = (answer.payload ?? null) as Json;
  if (answer.functionError !== undefined) throw functionFailure(result);
  return { ExecutedVersion: '$LATEST', Payload: result, StatusCode: 200 };
}

function functionFailure(payload: Json): StateFailure {
  const type = isObject(payload) ? payload['errorType'] : undefined;
  return new StateFailure(typeof type === 'string' ? type : 'Lambda.Unknown', JSON.stringify(payload));
}

// The function could not be reached at all: Lambda's own exceptions go by their name behind `Lambda.`.
function invocationFailure(cause: unknown): StateFailure {
  if (!(cause instanceof Error)) return new StateFailure('Lambda.Unknown', String(cause));
  const isOfLambda = /^[A-Z]\w+Exception$/.test(cause.name);
  return new StateFailure(isOfLambda ? `Lambda.${cause.name}` : 'Lambda.SdkClientException', cause.message);
}

function recordFailure({ ledger }: Execution, { error, message }: StateFailure): void {
  const details = { ...RESOURCE, error, cause: message };
  if (error === 'States.Timeout') ledger.record('TaskTimedOut', { taskTimedOutEventDetails: details });
  else ledger.record('TaskFailed', { taskFailedEventDetails: details });
}
