// Server-sent events: the one place that writes them. https://html.spec.whatwg.org/multipage/server-sent-events.html

import type { ReplyBody } from '../api/reply.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';

/** Fields are written in this order. An event without fields is a bare line break. */
export interface SseEvent {
  comment?: string;
  id?: number | string;
  event?: string;
  /** Written as JSON, so it has no line breaks of its own. */
  data?: unknown;
}

/** Between the name of a field and its value. The standard allows both; some clients read only one of them. */
export type Separator = ': ' | ':';

/** What keeps a connection open while nothing happens, in the forms that clients of the dialects ignore. */
export const PING = {
  comment: { comment: 'ping' },
  event: { event: 'ping' },
  lineBreak: {},
} as const satisfies Record<string, SseEvent>;

export function writeEvent({ comment, id, event, data }: SseEvent, separator: Separator = ': '): string {
  const lines = [
    comment !== undefined && `: ${comment}`,
    id !== undefined && `id${separator}${id}`,
    event !== undefined && `event${separator}${event}`,
    data !== undefined && `data${separator}${JSON.stringify(data)}`,
  ];
  return lines
    .map((line) => (line === false ? '' : `${line}\n`))
    .join('')
    .concat('\n');
}

/** The status has been sent, so an error while events are made is an event too, in the form of the dialect. */
export async function* withErrorEvents(
  { log }: Pick<Ports, 'log'>,
  stream: { run: Run; events: AsyncIterable<SseEvent>; renderError(): SseEvent[] },
): AsyncGenerator<SseEvent> {
  try {
    yield* stream.events;
  } catch (error) {
    log.error('a stream failed; its run continues', { run: stream.run.id, error });
    yield* stream.renderError();
  }
}

async function* writeEvents(events: AsyncIterable<SseEvent>, separator: Separator): AsyncGenerator<string> {
  for await (const event of events) yield writeEvent(event, separator);
}

export const eventStream = (events: AsyncIterable<SseEvent>, separator: Separator = ': '): ReplyBody => ({
  stream: writeEvents(events, separator),
  type: 'text/event-stream; charset=utf-8',
});
