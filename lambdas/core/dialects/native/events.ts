// A run as native server-sent events: their names are those of our own events, their ids number them.

import type { StreamItem } from '../../api/event-stream.ts';
import type { Plan } from '../../flow/plan.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run, RunRecord } from '../../run.ts';
import { viewNode, viewNodes, viewWait } from '../../runs/nodes-view.ts';
import { replay } from '../../runs/replay.ts';
import { loadRecords } from '../../runs/reuse.ts';
import { renderRun } from '../../runs/run-view.ts';
import { PING, type SseEvent } from '../sse.ts';
import { toIso } from './render.ts';

/** The run that a stream is about. */
export interface RunContext {
  run: Run;
  plan: Plan;
}

type RunEvent = Exclude<StreamItem, { type: 'ping' | 'run.detached' }>;

async function renderItem(ports: Ports, { plan }: RunContext, event: RunEvent): Promise<unknown> {
  switch (event.type) {
    case 'run.started':
    case 'run.waiting':
    case 'run.finished': {
      const record = await ports.runs.read(event.run.id);
      return record && renderRun({ ...record, run: event.run });
    }
    case 'node.started':
      return { path: event.path, node: event.node, type: event.nodeType, at: toIso(event.at) };
    case 'node.delta':
      return { path: event.path, text: event.text, at: toIso(event.at) };
    case 'node.retrying': {
      const { path, attempt, error, delayMs } = event;
      return { path, attempt, error, delayMs, at: toIso(event.at) };
    }
    case 'node.waiting':
      return { path: event.path, wait: viewWait(event.wait), at: toIso(event.at) };
    case 'node.finished':
      return viewNode(plan, event.record);
  }
}

export async function* renderEvents(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  for await (const item of items) {
    if (item.type === 'ping') yield PING.comment;
    // The result of the node has the whole text.
    else if (item.type === 'node.delta' && item.isWhole) continue;
    else if (item.type === 'run.detached') yield { event: item.type, data: { id: item.runId } };
    else yield { id: item.seq, event: item.type, data: await renderItem(ports, context, item) };
  }
}

/** The state of a run, with the number of the last event that it includes. */
export async function renderSnapshot(
  ports: Ports,
  { run, plan }: RunContext,
  record: RunRecord,
): Promise<SseEvent & { id: number }> {
  const records = await loadRecords(ports, run);
  const last = replay(run, records, ports.clock.now()).at(-1)?.seq ?? 0;
  const data = { run: renderRun(record), nodes: viewNodes(plan, run, records) };
  return { id: last, event: 'run.snapshot', data };
}
