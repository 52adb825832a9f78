// A run as Dify's stream of events: `data:` lines only, beside `event: ping`. The last event is workflow_finished,
// workflow_paused or error.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { PING, type SseEvent, withErrorEvents } from '../sse.ts';
import { makeContainers } from './container-events.ts';
import { renderHumanInputRequired, renderWaits } from './human-input.ts';
import { renderNodeFinished, renderNodeRetry, renderNodeStarted } from './node-events.ts';
import {
  makeEndUserId,
  type RunContext,
  renderHead,
  renderSequenceNumber,
  renderSummary,
  renderWorkflowId,
  toSeconds,
  WAITING,
} from './render.ts';

export function renderEvents(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  const { run } = context;
  const message = 'Internal Server Error, please contact support.';
  const data = { event: 'error', ...renderHead(run), code: 'internal_server_error', status: 500, message };
  const renderError = () => [{ data }];
  return withErrorEvents(ports, { run, events: writeItems(ports, context, items), renderError });
}

async function* writeItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  yield PING.event;
  for await (const data of renderItems(ports, context, items)) yield data === 'ping' ? PING.event : { data };
}

async function* renderItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<object | 'ping'> {
  const containers = makeContainers(context);
  const begun = new Set<string>();
  for await (const item of items) {
    switch (item.type) {
      case 'ping':
        yield 'ping';
        break;
      case 'run.started':
        yield await renderStarted(ports, context, item.run);
        break;
      case 'run.waiting':
        if (item.run.waitingFor !== 'timer') yield await renderWaiting(ports, context, item.run);
        break;
      case 'run.finished':
        yield await renderFinished(ports, context, item.run);
        break;
      case 'node.waiting':
        if (item.wait.kind === 'approval') yield renderHumanInputRequired(ports, context, item);
        break;
      case 'run.detached':
        break;
      case 'node.started':
        // A retry begins with node_retry alone.
        if (!begun.has(item.path)) yield* containers.around(item, renderNode(context, item));
        begun.add(item.path);
        break;
      default:
        yield* containers.around(item, renderNode(context, item));
    }
  }
}

type NodeItem = Extract<StreamItem, { type: 'node.started' | 'node.finished' | 'node.retrying' | 'node.delta' }>;

function renderNode(context: RunContext, item: NodeItem): object[] {
  switch (item.type) {
    case 'node.started':
      return [renderNodeStarted(context, item)];
    case 'node.finished':
      return [renderNodeFinished(context, item.record)];
    case 'node.retrying':
      return [renderNodeRetry(context, item)];
    case 'node.delta': {
      const data = { text: item.text, from_variable_selector: [item.path, 'text'] };
      return [{ event: 'text_chunk', ...renderHead(context.run), data }];
    }
  }
}

async function renderStarted(ports: Ports, { run }: RunContext, started: Run): Promise<object> {
  const record = await ports.runs.read(run.id);
  const data = {
    id: run.id,
    workflow_id: renderWorkflowId(run),
    sequence_number: renderSequenceNumber(run),
    inputs: record?.inputs ?? {},
    created_at: toSeconds(started.startedAt ?? started.createdAt),
    reason: 'initial',
  };
  return { event: 'workflow_started', ...renderHead(run), data };
}

async function renderFinished(ports: Ports, { run }: RunContext, ended: Run): Promise<object> {
  const record = await ports.runs.read(run.id);
  const data = {
    ...renderSummary(ended, ports.clock.now()),
    sequence_number: renderSequenceNumber(run),
    outputs: record?.outputs ?? {},
    created_by: { id: makeEndUserId(run.tenant, run.user ?? ''), user: run.user ?? '' },
    exceptions_count: ended.handledErrors,
    files: [],
  };
  return { event: 'workflow_finished', ...renderHead(run), data };
}

async function renderWaiting(ports: Ports, context: RunContext, waiting: Run): Promise<object> {
  const { records } = await ports.runs.load(context.run.id);
  const { elapsed_time, total_tokens, total_steps, created_at } = renderSummary(waiting, ports.clock.now());
  const data = {
    workflow_run_id: context.run.id,
    ...renderWaits(ports, context, records),
    outputs: {},
    status: WAITING,
    created_at,
    elapsed_time,
    total_tokens,
    total_steps,
  };
  return { event: 'workflow_paused', ...renderHead(context.run), data };
}
