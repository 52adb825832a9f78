// A run as Dify's stream of events: `data:` lines only, beside `event: ping`. The last event is workflow_finished,
// workflow_paused or error.

import type { StreamItem } from '../../api/event-stream.ts';
import { waitsForSomebody } from '../../api/sync-response.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Ports } from '../../ports/ports.ts';
import type { NodeWait, Run } from '../../run.ts';
import { PING, type SseEvent, withErrorEvents } from '../sse.ts';
import { makeContainers } from './container-events.ts';
import { renderFormEnd, renderHumanInputRequired, renderWaits } from './human-input.ts';
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

/** What a stream has had so far. */
interface Progress {
  begun: Set<string>;
  /** The forms that were waited for, by the path of their node. */
  forms: Map<string, NodeWait>;
  isPaused: boolean;
}

async function* renderItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<object | 'ping'> {
  const containers = makeContainers(context);
  const progress: Progress = { begun: new Set(), forms: new Map(), isPaused: false };
  for await (const item of untilPaused(context, items)) {
    if (item.type === 'ping') yield item.type;
    else if (item.type === 'run.waiting') {
      yield await renderWaiting(ports, context, item.run);
      progress.isPaused = true;
    } else if (item.type !== 'run.detached') {
      if (progress.isPaused) yield await renderStarted(ports, context, { run: context.run, reason: 'resumption' });
      progress.isPaused = false;
      yield* renderItem(ports, context, { item, containers, progress });
    }
  }
}

/** A run is paused when it waits for somebody whose answer is not on its way. */
async function* untilPaused(context: RunContext, items: AsyncIterable<StreamItem>): AsyncGenerator<StreamItem> {
  for await (const item of items) {
    const isPause = item.type === 'run.waiting' && waitsForSomebody(item.run);
    if (isPause || item.type !== 'run.waiting') yield item;
    if (isPause && !context.goesOn) return;
  }
}

type Telling = Exclude<StreamItem, { type: 'ping' | 'run.waiting' | 'run.detached' }>;

async function* renderItem(
  ports: Ports,
  context: RunContext,
  { item, containers, progress }: { item: Telling; containers: ReturnType<typeof makeContainers>; progress: Progress },
): AsyncGenerator<object> {
  switch (item.type) {
    case 'run.started':
      yield await renderStarted(ports, context, { run: item.run, reason: 'initial' });
      break;
    case 'run.finished':
      yield await renderFinished(ports, context, item.run);
      break;
    case 'node.waiting':
      // Who follows the run again has not seen the node begin.
      yield* renderBegin(context, { ...item, nodeType: readType(context, item.path) }, { containers, progress });
      if (item.wait.kind !== 'approval') break;
      progress.forms.set(item.path, item.wait);
      yield renderHumanInputRequired(ports, context, item);
      break;
    case 'node.started':
      yield* renderBegin(context, item, { containers, progress });
      break;
    case 'node.finished':
      yield* renderFormEnd(context, item.record, progress.forms.get(item.record.path));
      yield* containers.around(item, renderNode(context, item));
      break;
    default:
      yield* containers.around(item, renderNode(context, item));
  }
}

const readType = ({ plan }: RunContext, path: string): string => findNodeAt(plan.nodes, path)?.type ?? '';

/** Once for each node: a retry begins with node_retry alone, and a wait that ended goes on. */
function* renderBegin(
  context: RunContext,
  { path, nodeType, at }: { path: string; nodeType: string; at: number },
  { containers, progress }: { containers: ReturnType<typeof makeContainers>; progress: Progress },
): Generator<object> {
  const item = { type: 'node.started', seq: 0, at, path, node: path, nodeType } as const;
  if (!progress.begun.has(path)) yield* containers.around(item, renderNode(context, item));
  progress.begun.add(path);
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

async function renderStarted(
  ports: Ports,
  { run }: RunContext,
  { run: started, reason }: { run: Run; reason: 'initial' | 'resumption' },
): Promise<object> {
  const record = await ports.runs.read(run.id);
  const data = {
    id: run.id,
    workflow_id: renderWorkflowId(run),
    sequence_number: renderSequenceNumber(run),
    inputs: record?.inputs ?? {},
    created_at: toSeconds(started.startedAt ?? started.createdAt),
    reason,
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
