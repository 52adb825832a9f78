// The lambda node: invokes a function of the account, and takes its answer or its callback.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import type { Json, JsonObject } from '../json.ts';
import { asWritten } from './node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
const FUNCTION = /^(arn:aws[\w-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9-_]{1,64}$/;
const QUALIFIER = /^[A-Za-z0-9-_$]{1,128}$/;

const FIELDS = {
  function: z.string().regex(FUNCTION),
  payload: anyValue.optional(),
  mode: z.enum(['response', 'callback']).optional(),
  qualifier: z.string().regex(QUALIFIER).optional(),
};

interface LambdaWith extends JsonObject {
  function: string;
  payload: Json;
  mode: 'response' | 'callback';
  qualifier: string;
}

const waits = (source: LambdaWith): boolean => source.mode === 'callback';

async function invoke(context: NodeContext, input: LambdaWith, payload: Json): Promise<Outcome> {
  const answer = await context.ports.functions.invoke({
    name: input.function,
    qualifier: input.qualifier,
    payload,
    mode: waits(input) ? 'event' : 'response',
    signal: context.signal,
  });
  if (answer.kind === 'answer') return done(answer.payload);
  const message = `Function '${input.function}' failed: ${answer.type}: ${answer.message}`;
  return failed('node-failed', message, { retryable: answer.retryable });
}

async function handoff(context: NodeContext, input: LambdaWith): Promise<Outcome | undefined> {
  const outcome = await invoke(context, input, {
    payload: input.payload ?? {},
    callback: { url: context.callbackUrl(), path: context.path, runId: context.run.id },
    idempotencyKey: context.idempotencyKey,
  });
  return outcome.kind === 'failed' ? outcome : undefined;
}

export const LAMBDA: NodeKind<LambdaWith> = {
  type: 'lambda',
  summary: 'Invokes a Lambda function. Gives its answer, or in mode callback what is posted to the callback address.',
  fields: {
    function: 'Name of a function that the deployment allows',
    payload: 'The event of the function',
    mode: 'response waits for its answer; callback until somebody posts to $callback.url',
    qualifier: 'A version or alias of the function',
  },
  // Data must not choose which function is called: the deployment grants it.
  with: asWritten(FIELDS, { function: FIELDS.function, mode: FIELDS.mode, qualifier: FIELDS.qualifier }),
  defaultTimeoutMs: 60_000,
  waits,
  blocks: (source) => (waits(source) ? { sync: 'waits for the callback of a function' } : {}),
  givesCallback: true,
  secretFields: ['payload'],
  uses: ({ function: name }) => [{ resource: 'functions', name }],
  run: async (context, input) => {
    if (!waits(input)) return invoke(context, input, input.payload ?? {});
    return {
      kind: 'wait',
      wait: { kind: 'callback', until: context.now() + context.timeoutMs, prompt: { function: input.function } },
      notify: () => handoff(context, input),
    };
  },
  resume: async (_, input, resumption) =>
    resumption.by === 'signal'
      ? done(resumption.signal.payload)
      : failed('node-timed-out', `Function '${input.function}' did not call back in time`),
};
