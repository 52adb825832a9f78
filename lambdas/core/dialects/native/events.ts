// Runs as server-sent events: the frames, and the call that tells what happened to a run and what happens.

import * as z from 'zod';
import { pinnedPlan, requireRecord } from '../../access/run-access.ts';
import { type StreamItem, streamEvents } from '../../api/event-stream.ts';
import type { Reply } from '../../api/reply.ts';
import { ApiError } from '../../errors.ts';
import type { Plan } from '../../flow/plan.ts';
import type { Ports } from '../../ports/ports.ts';
import { viewNode, viewNodes, viewWait } from '../../runs/nodes-view.ts';
import { replay } from '../../runs/replay.ts';
import { loadRecords } from '../../runs/reuse.ts';
import { renderRun } from '../../runs/run-view.ts';
import { type ApiRequest, route } from '../dialect.ts';
import { COMMENT_PING, eventStream, frame } from '../sse.ts';
import { runIdParams } from './render.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

type Told = Exclude<StreamItem, { type: 'ping' | 'run.detached' }>;

async function dataOf(ports: Ports, plan: Plan, event: Told): Promise<unknown> {
  switch (event.type) {
    case 'run.started':
    case 'run.waiting':
    case 'run.finished': {
      const record = await ports.runs.read(event.run.id);
      return record && renderRun({ ...record, run: event.run });
    }
    case 'node.started':
      return { path: event.path, node: event.node, type: event.nodeType, at: iso(event.at) };
    case 'node.delta':
      return { path: event.path, text: event.text, at: iso(event.at) };
    case 'node.retrying': {
      const { path, attempt, error, delayMs } = event;
      return { path, attempt, error, delayMs, at: iso(event.at) };
    }
    case 'node.waiting':
      return { path: event.path, wait: viewWait(event.wait), at: iso(event.at) };
    case 'node.finished':
      return viewNode(plan, event.record);
  }
}

export async function* renderEvents(
  ports: Ports,
  plan: Plan,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<string> {
  for await (const item of items) {
    if (item.type === 'ping') yield COMMENT_PING;
    // The node's result has all of its text.
    else if (item.type === 'node.delta' && item.isWhole) continue;
    else if (item.type === 'run.detached') yield frame({ event: item.type, data: { id: item.runId } });
    else yield frame({ id: item.seq, event: item.type, data: await dataOf(ports, plan, item) });
  }
}

async function* snapshotFirst(snapshot: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield snapshot;
  yield* rest;
}

/** A client that reconnects says what it saw last by the header, which is newer than what its address says. */
function lastSeen({ headers }: ApiRequest, after: number): number {
  const given = headers['last-event-id'];
  if (given === undefined || given === '') return after;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  const message = 'must be the id of an event of this run';
  throw new ApiError('invalid-request', `Last-Event-ID ${message}`, {
    details: [{ field: 'Last-Event-ID', message }],
  });
}

export const eventRoutes = [
  route({
    id: 'streamEvents',
    method: 'GET',
    path: '/v1/runs/{id}/events',
    access: 'run',
    tag: 'Runs',
    summary: 'Follow a run as server-sent events',
    description:
      'What happened and what happens, until the run has ended: `run.started`, `node.started`, `node.finished`, `node.waiting`, `run.waiting`, `run.finished`. The data of `run.*` is a run, of `node.finished` a node run. After 14 minutes `run.detached` ends the connection, not the run: resume with `Last-Event-ID`. A comment comes every ten seconds.',
    params: runIdParams,
    headers: { 'Last-Event-ID': 'Only events after this one' },
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0).meta({ description: 'As `Last-Event-ID`, in the address' }),
      snapshot: z
        .stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'] })
        .default(false)
        .meta({ description: 'Begin with `run.snapshot`, the state `{run, nodes}`, instead of what led to it' }),
    }),
    answers: { 200: { description: 'Events', mediaType: 'text/event-stream' } },
    errors: ['run-not-found', 'not-found'],
    async handle({ caller, params, query, request }, ports): Promise<Reply> {
      const record = await requireRecord(ports, caller, params.id);
      const { run } = record;
      const plan = await pinnedPlan(ports, run);
      const follow = (after: number) =>
        renderEvents(ports, plan, streamEvents(ports, { runId: run.id, after, receivedAt: request.receivedAt }));
      if (!query.snapshot) return { status: 200, body: eventStream(follow(lastSeen(request, query.after))) };
      const records = await loadRecords(ports, run);
      const last = replay(run, records, ports.clock.now()).at(-1)?.seq ?? 0;
      const data = { run: renderRun(record), nodes: viewNodes(plan, run, records) };
      const snapshot = frame({ id: last, event: 'run.snapshot', data });
      return { status: 200, body: eventStream(snapshotFirst(snapshot, follow(last))) };
    },
  }),
];
