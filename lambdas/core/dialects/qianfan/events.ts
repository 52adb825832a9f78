// A component's run as Qianfan's stream of events: every event is one object of the response.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { type Separator, type SseEvent, withErrorEvents } from '../sse.ts';
import { errors } from './errors.ts';
import { renderComponent, renderStatus, renderText } from './render.ts';

/** Qianfan's clients read neither comments nor `event:` lines, and keep a space after the colon. */
export const SEPARATOR: Separator = ':';

/** The run that a stream is about. */
export interface RunContext {
  run: Run;
  requestId: string;
}

export function renderEvents(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  const { run, requestId } = context;
  const problem = { code: errors.internal.code, message: 'The stream broke off; the run continues' };
  const renderError = () => [
    { data: { ...renderComponent(run, requestId, { status: 'error', at: ports.clock.now() }), ...problem } },
  ];
  return withErrorEvents(ports, { run, events: writeItems(ports, context, items), renderError });
}

async function* writeItems(
  ports: Ports,
  { run, requestId }: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  let hasText = false;
  for await (const item of items) {
    const at = ports.clock.now();
    switch (item.type) {
      case 'node.delta':
        hasText = true;
        yield { data: renderComponent(run, requestId, { status: 'running', text: item.text, name: item.path, at }) };
        break;
      case 'run.finished':
      case 'run.waiting': {
        const record = await ports.runs.read(run.id);
        const text = !hasText && record ? renderText(record) : {};
        yield { data: renderComponent(item.run, requestId, { status: renderStatus(item.run), at, ...text }) };
        break;
      }
      // An object without content keeps the connection open, and says that the run continues.
      case 'run.started':
      case 'ping':
      case 'run.detached':
        yield { data: renderComponent(run, requestId, { status: 'running', at }) };
    }
  }
}
