// The callback node: makes an unguessable address and waits until somebody posts to it.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import { compact, type JsonObject } from '../json.ts';
import { buildNotifications, MAX_NOTIFIED, NOTIFY_TIMEOUT_MS, sendAll } from './http/notify.ts';
import { findSecretNames, requestSchema, writtenRequest } from './http/request.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from './node-kind.ts';

const FIELDS = {
  /** For the caller; part of the wait and of the notifications. */
  message: z.string().max(4_000).optional(),
  data: anyValue.optional(),
  /** Sent after the wait is recorded; may mention `$callback.url`. */
  request: requestSchema.optional(),
  /** Addresses that receive a POST about the wait. */
  notify: z.union([z.string(), z.array(z.string()).max(MAX_NOTIFIED)]).optional(),
};
const evaluated = z.strictObject(FIELDS);
type CallbackInput = z.infer<typeof evaluated>;

interface CallbackWith extends JsonObject {
  request: { auth: { secret: string } };
}

/** The author's own request comes first: the answer depends on it. */
function notify(
  context: NodeContext,
  { request, message, data, notify: addresses }: CallbackInput,
): Promise<Outcome | undefined> {
  const own = request ? [{ method: 'POST' as const, ...request }] : [];
  return sendAll(context, [
    ...own,
    ...buildNotifications(context, addresses, { message: message ?? null, data: data ?? null }),
  ]);
}

export const CALLBACK: NodeKind<CallbackWith> = {
  type: 'callback',
  summary: 'Waits until somebody posts to its unguessable address. Gives what was posted.',
  fields: {
    message: 'For whoever calls back',
    data: 'More for whoever calls back',
    request: 'Sent when the wait has begun; may mention $callback.url',
    notify: 'Addresses that get a POST about the wait',
  },
  with: asWritten(FIELDS, { request: writtenRequest.optional() }),
  defaultTimeoutMs: 2 * NOTIFY_TIMEOUT_MS,
  waits: () => true,
  blocks: () => ({ sync: 'waits for a callback' }),
  givesCallback: true,
  secretFields: ['request.url', 'request.query', 'request.headers', 'request.body'],
  secretNames: (source) => (source.request ? findSecretNames(source.request) : []),
  run: async (context, input) => {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { message, data } = read.input;
    return {
      kind: 'wait',
      wait: {
        kind: 'callback',
        until: context.now() + context.timeoutMs,
        prompt: compact({ message, data, url: context.callbackUrl() }),
      },
      notify: () => notify(context, read.input),
    };
  },
  resume: async (_, __, resumption) =>
    resumption.by === 'signal'
      ? done(resumption.signal.payload)
      : failed('node-timed-out', 'Nobody called back in time'),
};
