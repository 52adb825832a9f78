// From a reply to what the streaming integration sends: status, headers, and a string or a stream.

import { Readable } from 'node:stream';
import type { Reply, ReplyBody } from '../core/api/reply.ts';
import type { ApiRequest } from '../core/dialects/dialect.ts';

export interface StreamedResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string | Readable;
}

/** An API's answers are for its caller alone: never cached, framed, sniffed or run. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

/**
 * The status is out, so a stream that breaks can only tell in its body: `rescue` gives the last piece.
 * (Spaces may stand before a JSON text, so a late error is still a JSON body.)
 */
async function* rescued(stream: AsyncIterable<string>, rescue: (thrown: unknown) => string): AsyncGenerator<string> {
  try {
    yield* stream;
  } catch (thrown) {
    yield rescue(thrown);
  }
}

function render(
  body: ReplyBody | undefined,
  rescue: (thrown: unknown) => string,
): { type?: string; body: string | Readable } {
  if (body === undefined) return { body: '' };
  if ('json' in body) return { type: 'application/json; charset=utf-8', body: JSON.stringify(body.json) };
  if ('text' in body) return { type: body.type, body: body.text };
  if ('bytes' in body) return { type: body.type, body: Readable.from([body.bytes], { objectMode: false }) };
  const framed = (thrown: unknown) => `event: error\ndata: ${rescue(thrown)}\n\n`;
  const lastWords = body.type.startsWith('text/event-stream') ? framed : rescue;
  return { type: body.type, body: Readable.from(rescued(body.stream, lastWords), { objectMode: false }) };
}

export function toResponse(reply: Reply, request: ApiRequest, rescue: (thrown: unknown) => string): StreamedResponse {
  const { type, body } = render(request.method === 'HEAD' ? undefined : reply.body, rescue);
  return {
    statusCode: reply.status,
    headers: {
      ...SECURITY_HEADERS,
      'x-request-id': request.id,
      ...(type !== undefined && { 'content-type': type }),
      ...reply.headers,
    },
    body,
  };
}
