// The callback node: hands out an unguessable address and waits until somebody posts to it.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { call } from './http/call.ts';
import { type RequestInput, requestSchema, secretNamesOf, writtenRequest } from './http/request.ts';
import { asWritten, readInput } from './input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

const MAX_NOTIFIED = 5;
const NOTIFY_TIMEOUT_MS = 30_000;

const FIELDS = {
  /** What the one who must call should know; shown with the wait and sent along. */
  message: z.string().max(4_000).optional(),
  data: anyValue.optional(),
  /** Sent once the wait is recorded; may mention `$callback.url`. */
  request: requestSchema.optional(),
  /** Addresses that are told of the wait by a POST. */
  notify: z.union([z.string(), z.array(z.string()).max(MAX_NOTIFIED)]).optional(),
};
const evaluated = z.strictObject(FIELDS);
type CallbackInput = z.infer<typeof evaluated>;

interface CallbackWith extends JsonObject {
  request: { auth: { secret: string } };
}

function notice(context: NodeContext, input: CallbackInput): JsonObject {
  return {
    run: context.run.id,
    flow: context.run.flow,
    node: context.path,
    message: input.message ?? null,
    data: input.data ?? null,
    callback: { url: context.callbackUrl() },
  };
}

/** The author's request first: it is what somebody's answer depends on. */
async function notify(context: NodeContext, input: CallbackInput): Promise<Outcome | undefined> {
  const notices: RequestInput[] = [input.notify ?? []]
    .flat()
    .filter((url) => url !== '')
    .map((url) => ({ url, method: 'POST', body: notice(context, input) }));
  const requests = input.request ? [{ method: 'POST' as const, ...input.request }, ...notices] : notices;
  for (const request of requests) {
    const outcome = await call(context, request, { parse: 'text', timeoutMs: NOTIFY_TIMEOUT_MS });
    if (outcome.kind === 'failed') return outcome;
  }
  return undefined;
}

export const CALLBACK: NodeKind<CallbackWith> = {
  type: 'callback',
  summary: 'Waits until somebody posts to its unguessable address. Gives what was posted.',
  with: asWritten(FIELDS, { request: writtenRequest.optional() }),
  defaultTimeoutMs: 2 * NOTIFY_TIMEOUT_MS,
  waits: () => true,
  blocks: () => ({ sync: 'waits for a callback' }),
  givesCallback: true,
  secretFields: ['request.url', 'request.query', 'request.headers', 'request.body'],
  secretNames: (source) => (source.request ? secretNamesOf(source.request) : []),
  run: async (context, given) => {
    const read = readInput(evaluated, given);
    if ('refused' in read) return read.refused;
    const { message, data } = read.input;
    const prompt = { ...(message !== undefined && { message }), ...(data !== undefined && { data }) };
    return {
      kind: 'wait',
      wait: {
        kind: 'callback',
        until: context.now() + context.timeoutMs,
        prompt: { ...prompt, url: context.callbackUrl() },
      },
      notify: () => notify(context, read.input),
    };
  },
  resume: async (_, __, resumption) =>
    resumption.by === 'signal'
      ? done(resumption.signal.payload)
      : failed('node-timed-out', 'Nobody called back in time'),
};
