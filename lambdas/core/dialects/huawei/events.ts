// A run as Huawei's stream: `data:` lines only, and a bare line break as sign of life.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { endFrame, errorFrame, frame, messageFrame, nodeFrame, nodeWords, renderStatus, type Told } from './render.ts';

interface Progress {
  /** Of the next message. */
  index: number;
  /** Some text of the run has been said. */
  isTold: boolean;
}

export async function* renderEvents(
  ports: Ports,
  told: Told,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<string> {
  const progress: Progress = { index: 0, isTold: false };
  for await (const item of items) {
    if (item.type === 'ping') yield '\n';
    const frames =
      item.type === 'run.finished'
        ? await lastFrames(ports, told, item.run, progress)
        : framesFor(told, item, progress);
    for (const it of frames) yield `data: ${JSON.stringify(it)}\n\n`;
  }
}

function framesFor(told: Told, item: StreamItem, progress: Progress): object[] {
  const isDebug = told.run.env === 'debug';
  switch (item.type) {
    case 'run.started': {
      const start_time = item.run.startedAt ?? item.run.createdAt;
      return [frame(told, 'workflow_started', { start_time }, start_time)];
    }
    case 'node.started':
      return isDebug ? [nodeFrame(told, 'node_started', item)] : [];
    case 'node.delta':
      return [said(told, item, progress)];
    case 'node.waiting':
      return waitFrames(told, item, progress);
    case 'node.finished':
      return isDebug ? finishedFrames(told, item) : [];
    case 'run.waiting':
      // Without the End node's message its clients take the stream for one that wants an answer.
      return item.run.waitingFor === 'timer' ? [] : [frame(told, 'end', {}, item.run.createdAt)];
    default:
      return [];
  }
}

function said(told: Told, { path, text, at }: { path: string; text: string; at: number }, progress: Progress): object {
  progress.isTold = true;
  return messageFrame(told, { node: nodeWords(told, path), text, index: progress.index++, at });
}

function waitFrames(told: Told, item: Extract<StreamItem, { type: 'node.waiting' }>, progress: Progress): object[] {
  if (item.wait.kind === 'timer') return [];
  const text = item.wait.prompt?.['message'];
  const asked = typeof text === 'string' ? [said(told, { ...item, text }, progress)] : [];
  return [...asked, nodeFrame(told, 'node_wait', item)];
}

function finishedFrames(told: Told, { record, at }: Extract<StreamItem, { type: 'node.finished' }>): object[] {
  const { path, output = null, error } = record;
  const detail = { ...nodeWords(told, path), outputs: output, error_message: error?.message ?? '' };
  return [nodeFrame(told, 'node_finished', { path, at, record }), frame(told, 'workflow_node_message', detail, at)];
}

async function lastFrames(ports: Ports, told: Told, run: Run, { index, isTold }: Progress): Promise<object[]> {
  const at = run.endedAt ?? ports.clock.now();
  const end = frame(told, 'end', { type: 'finish' }, at);
  const record = await ports.runs.read(run.id);
  if (run.status !== 'succeeded' || !record) return [errorFrame(told, run, { index, at }), end];
  const times = { start_time: run.startedAt ?? run.createdAt, end_time: at };
  const finished = { outputs: record.outputs, status: renderStatus(run), ...times };
  return [endFrame(told, record, { index, isTold, at }), frame(told, 'workflow_finished', finished, at), end];
}
