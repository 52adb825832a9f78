// A run as Dify's stream of events: one `data:` line each, `event: ping` as sign of life, and the end after
// workflow_finished, workflow_paused or error.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { makeContainers } from './container-events.ts';
import { renderHumanInputRequired, renderWaits } from './human-input.ts';
import { renderNodeFinished, renderNodeRetry, renderNodeStarted } from './node-events.ts';
import { makeEndUserId, renderHead, renderSummary } from './render.ts';
import { renderSequenceNumber, renderWorkflowId, toSeconds, type RunContext } from './words.ts';

const PING = 'event: ping\n\n';

export async function* renderEvents(
  ports: Ports,
  told: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<string> {
  const framed = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
  yield PING;
  try {
    for await (const frame of eventsOf(ports, told, items)) yield frame === undefined ? PING : framed(frame);
  } catch (error) {
    // The status is out: what breaks now is an event.
    ports.log.error('a stream broke; its run goes on', { run: told.run.id, error });
    const message = 'Internal Server Error, please contact support.';
    yield framed({ event: 'error', ...renderHead(told.run), code: 'internal_server_error', status: 500, message });
  }
}

/** Undefined stands for a ping. */
async function* eventsOf(
  ports: Ports,
  told: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<object | undefined> {
  const containers = makeContainers(told);
  const begun = new Set<string>();
  for await (const item of items) {
    switch (item.type) {
      case 'ping':
        yield undefined;
        break;
      case 'run.started':
        yield await renderStarted(ports, told, item.run);
        break;
      case 'run.waiting':
        if (item.run.waitingFor !== 'timer') yield await renderWaiting(ports, told, item.run);
        break;
      case 'run.finished':
        yield await renderFinished(ports, told, item.run);
        break;
      case 'node.waiting':
        if (item.wait.kind === 'approval') yield renderHumanInputRequired(ports, told, item);
        break;
      case 'run.detached':
        break;
      case 'node.started':
        // A retry begins with node_retry alone.
        if (!begun.has(item.path)) yield* containers.around(item, nodeEvents(told, item));
        begun.add(item.path);
        break;
      default:
        yield* containers.around(item, nodeEvents(told, item));
    }
  }
}

type NodeItem = Extract<StreamItem, { type: 'node.started' | 'node.finished' | 'node.retrying' | 'node.delta' }>;

function nodeEvents(told: RunContext, item: NodeItem): object[] {
  switch (item.type) {
    case 'node.started':
      return [renderNodeStarted(told, item)];
    case 'node.finished':
      return [renderNodeFinished(told, item.record)];
    case 'node.retrying':
      return [renderNodeRetry(told, item)];
    case 'node.delta': {
      const data = { text: item.text, from_variable_selector: [item.path, 'text'] };
      return [{ event: 'text_chunk', ...renderHead(told.run), data }];
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

async function renderWaiting(ports: Ports, told: RunContext, waiting: Run): Promise<object> {
  const { records } = await ports.runs.load(told.run.id);
  const { elapsed_time, total_tokens, total_steps, created_at } = renderSummary(waiting, ports.clock.now());
  const data = {
    workflow_run_id: told.run.id,
    ...renderWaits(ports, told, records),
    outputs: {},
    status: 'paused',
    created_at,
    elapsed_time,
    total_tokens,
    total_steps,
  };
  return { event: 'workflow_paused', ...renderHead(told.run), data };
}
