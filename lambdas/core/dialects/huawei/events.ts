// A run as Huawei's stream of events: `data:` lines only. The message of the End node comes before the end.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { PING, type SseEvent, withErrorEvents } from '../sse.ts';
import {
  type Frame,
  type RunContext,
  renderEndMessage,
  renderEvent,
  renderFailure,
  renderMessage,
  renderNodeEvent,
  renderNodeHead,
  renderStatus,
} from './render.ts';

interface Progress {
  /** Of the next message. */
  index: number;
  /** The stream has had some text of the run. */
  hasText: boolean;
}

export function renderEvents(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  const renderError = () => renderBroken(context, ports.clock.now()).map((data) => ({ data }));
  return withErrorEvents(ports, { run: context.run, events: writeItems(ports, context, items), renderError });
}

async function* writeItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  for await (const frame of renderItems(ports, context, items)) yield frame.event ? { data: frame } : PING.lineBreak;
}

/** A frame without an event only keeps the connection open. */
export async function* renderItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem> | Iterable<StreamItem>,
): AsyncGenerator<Partial<Frame>> {
  const progress: Progress = { index: 0, hasText: false };
  for await (const item of items) {
    if (item.type === 'ping') yield {};
    yield* item.type === 'run.finished'
      ? await renderFinished(ports, context, { ...progress, run: item.run })
      : renderItem(context, item, progress);
  }
}

function renderBroken(context: RunContext, at: number): Frame[] {
  const error = { code: 'internal', message: 'The stream broke off; the run continues', node: null };
  return [
    renderFailure(context, { ...context.run, status: 'failed', error }, { index: 0, at }),
    renderEvent(context, 'end', {}, at),
  ];
}

function renderItem(context: RunContext, item: StreamItem, progress: Progress): Frame[] {
  const isDebug = context.run.env === 'debug';
  switch (item.type) {
    case 'run.started': {
      const start_time = item.run.startedAt ?? item.run.createdAt;
      return [renderEvent(context, 'workflow_started', { start_time }, start_time)];
    }
    case 'node.started':
      return isDebug ? [renderNodeEvent(context, 'node_started', item)] : [];
    case 'node.delta':
      return [renderText(context, item, progress)];
    case 'node.waiting':
      return renderNodeWait(context, item, progress);
    case 'node.finished':
      return isDebug ? renderNodeFinished(context, item) : [];
    case 'run.waiting':
      // Without a message of the End node before it, clients read this end as a question to the user.
      return item.run.waitingFor === 'timer' ? [] : [renderEvent(context, 'end', {}, item.run.createdAt)];
    default:
      return [];
  }
}

function renderText(
  context: RunContext,
  { path, text, at }: { path: string; text: string; at: number },
  progress: Progress,
): Frame {
  progress.hasText = true;
  return renderMessage(context, { node: renderNodeHead(context, path), text, index: progress.index++, at });
}

function renderNodeWait(
  context: RunContext,
  item: Extract<StreamItem, { type: 'node.waiting' }>,
  progress: Progress,
): Frame[] {
  if (item.wait.kind === 'timer') return [];
  const text = item.wait.prompt?.['message'];
  const question = typeof text === 'string' ? [renderText(context, { ...item, text }, progress)] : [];
  return [...question, renderNodeEvent(context, 'node_wait', item)];
}

function renderNodeFinished(
  context: RunContext,
  { record, at }: Extract<StreamItem, { type: 'node.finished' }>,
): Frame[] {
  const { path, output = null, error } = record;
  const message = { ...renderNodeHead(context, path), outputs: output, error_message: error?.message ?? '' };
  return [
    renderNodeEvent(context, 'node_finished', { path, at, record }),
    renderEvent(context, 'workflow_node_message', message, at),
  ];
}

async function renderFinished(
  ports: Ports,
  context: RunContext,
  { run, index, hasText }: Progress & { run: Run },
): Promise<Frame[]> {
  const at = run.endedAt ?? ports.clock.now();
  const end = renderEvent(context, 'end', { type: 'finish' }, at);
  const record = await ports.runs.read(run.id);
  if (run.status !== 'succeeded' || !record) return [renderFailure(context, run, { index, at }), end];
  const times = { start_time: run.startedAt ?? run.createdAt, end_time: at };
  const finished = { outputs: record.outputs, status: renderStatus(run), ...times };
  return [
    renderEndMessage(context, record, { index, hasText, at }),
    renderEvent(context, 'workflow_finished', finished, at),
    end,
  ];
}
