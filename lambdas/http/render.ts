// From a reply of the core to what goes over the wire: status, all headers, and a body that is text, bytes or a stream.

import type { Reply, ReplyBody } from '../core/api/reply.ts';
import type { ApiRequest } from '../core/dialects/dialect.ts';

export interface HttpReply {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array | AsyncIterable<string>;
  /** Never rejects. Ends with the work that outlives the reply: until then the process must not stop. */
  pending: Promise<void>;
}

type Rescue = (thrown: unknown) => string;

/** An API's answers are for its caller alone: never cached, framed, sniffed or run. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
};

/**
 * The status is out, so a stream that breaks can report it only in its body: `rescue` makes the last piece.
 * (Spaces may come before a JSON text, so a late error is still a JSON body.)
 */
async function* withRescue(stream: AsyncIterable<string>, rescue: Rescue): AsyncGenerator<string> {
  try {
    yield* stream;
  } catch (thrown) {
    yield rescue(thrown);
  }
}

function renderBody(body: ReplyBody | undefined, rescue: Rescue): { type?: string; body: HttpReply['body'] } {
  if (body === undefined) return { body: '' };
  if ('json' in body) return { type: 'application/json; charset=utf-8', body: JSON.stringify(body.json) };
  if ('text' in body) return { type: body.type, body: body.text };
  if ('bytes' in body) return { type: body.type, body: body.bytes };
  const asEvent = (thrown: unknown) => `event: error\ndata: ${rescue(thrown)}\n\n`;
  const lastPiece = body.type.startsWith('text/event-stream') ? asEvent : rescue;
  return { type: body.type, body: withRescue(body.stream, lastPiece) };
}

/** The body of an error reply, for the end of a stream. */
export const renderText = ({ body }: Reply): string => (body && 'json' in body ? JSON.stringify(body.json) : '');

export function render(reply: Reply, request: ApiRequest, rescue: Rescue): Omit<HttpReply, 'pending'> {
  const { type, body } = renderBody(request.method === 'HEAD' ? undefined : reply.body, rescue);
  return {
    status: reply.status,
    headers: {
      ...SECURITY_HEADERS,
      'x-request-id': request.id,
      ...(type !== undefined && { 'content-type': type }),
      ...reply.headers,
    },
    body,
  };
}
