// Notifies addresses that the run waits for an answer, and where to send it.

import type { Json, JsonObject } from '../../json.ts';
import type { NodeContext, Outcome } from '../node-kind.ts';
import { sendRequest } from './call.ts';
import type { RequestInput } from './request.ts';

export const NOTIFY_TIMEOUT_MS = 30_000;
export const MAX_NOTIFIED = 5;

export function buildNotifications(
  context: NodeContext,
  addresses: string | string[] | undefined,
  about: JsonObject,
): RequestInput[] {
  const { id, flow } = context.run;
  const body: Json = { run: id, flow, node: context.path, ...about, callback: { url: context.callbackUrl() } };
  return [addresses ?? []]
    .flat()
    .filter((url) => url !== '')
    .map((url) => ({ url, method: 'POST', body }));
}

/** One after another; the first that fails ends the unit. */
export async function sendAll(context: NodeContext, requests: readonly RequestInput[]): Promise<Outcome | undefined> {
  for (const request of requests) {
    const outcome = await sendRequest(context, request, { parse: 'text', timeoutMs: NOTIFY_TIMEOUT_MS });
    if (outcome.kind === 'failed') return outcome;
  }
  return undefined;
}
