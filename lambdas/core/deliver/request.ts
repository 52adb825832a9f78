// Builds the signed HTTP request of one attempt. Whether it is made, and what its answer means, belongs to deliver.ts.

import { WEBHOOK_RESPONSE_LOG_CHARS } from '../limits.ts';
import type { HttpRequest } from '../ports/http.ts';
import type { Delivery } from '../run.ts';
import { appendQuery, type WebhookEvent } from './event.ts';
import { buildMessageId, signHeaders } from './signature.ts';

// A character of UTF-8 has at most four bytes; nothing of the answer is used beyond its log.
const MAX_ANSWER_BYTES = 4 * WEBHOOK_RESPONSE_LOG_CHARS;

export function buildRequest(
  delivery: Delivery,
  event: WebhookEvent,
  { secrets, at, timeoutMs }: { secrets: readonly string[]; at: number; timeoutMs: number },
): HttpRequest {
  const bodiless = delivery.method === 'GET';
  const body = bodiless ? '' : JSON.stringify(event.body);
  const message = { id: buildMessageId(delivery.run, delivery.n), at, body };
  return {
    url: bodiless ? appendQuery(delivery.url, event.query) : delivery.url,
    method: delivery.method,
    headers: {
      ...mergeHeaders(bodiless ? DEFAULTS : { ...DEFAULTS, 'content-type': 'application/json' }, delivery.headers),
      ...signHeaders(message, secrets),
    },
    ...(!bodiless && { body }),
    timeoutMs,
    maxBytes: MAX_ANSWER_BYTES,
    redirects: 0,
  };
}

const DEFAULTS = { accept: '*/*', 'user-agent': 'Errand-Webhooks/1.0' };

// The caller's headers win, however they are capitalized.
function mergeHeaders(defaults: Record<string, string>, own: Record<string, string> = {}): Record<string, string> {
  const present = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  return { ...Object.fromEntries(Object.entries(defaults).filter(([name]) => !present.has(name))), ...own };
}
