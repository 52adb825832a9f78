// Frames of server-sent events. https://html.spec.whatwg.org/multipage/server-sent-events.html

import type { ReplyBody } from '../api/reply.ts';

export interface Frame {
  id?: number | string;
  event?: string;
  /** JSON, so it has no line breaks of its own. */
  data?: unknown;
}

export function frame({ id, event, data }: Frame): string {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(data === undefined ? [] : [`data: ${JSON.stringify(data)}`]),
  ];
  return `${lines.join('\n')}\n\n`;
}

export const COMMENT_PING = ': ping\n\n';

export const eventStream = (stream: AsyncIterable<string>): ReplyBody => ({
  stream,
  type: 'text/event-stream; charset=utf-8',
});
