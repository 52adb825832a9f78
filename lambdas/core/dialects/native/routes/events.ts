// Following a run as server-sent events.

import * as z from 'zod';
import { pinnedPlan, requireRecord } from '../../../access/run-access.ts';
import { streamEvents } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { route } from '../../dialect.ts';
import { eventStream, type SseEvent } from '../../sse.ts';
import { renderEvents, renderSnapshot } from '../events.ts';
import { readLastEventId, runIdParams } from '../input.ts';

async function* prepend(first: SseEvent, others: AsyncIterable<SseEvent>): AsyncGenerator<SseEvent> {
  yield first;
  yield* others;
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
      'All events of the run, past and new, until it has ended: `run.started`, `node.started`, `node.finished`, `node.waiting`, `run.waiting`, `run.finished`. The data of `run.*` is a run, of `node.finished` a node run. After 14 minutes `run.detached` ends the connection, not the run: resume with `Last-Event-ID`. A comment is sent every ten seconds.',
    params: runIdParams,
    headers: { 'Last-Event-ID': 'Only events after this one' },
    query: z.strictObject({
      after: z.coerce.number().int().min(0).default(0).meta({ description: 'As `Last-Event-ID`, in the URL' }),
      snapshot: z
        .stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'] })
        .default(false)
        .meta({ description: 'Begin with `run.snapshot`, the state `{run, nodes}`, instead of the past events' }),
    }),
    answers: { 200: { description: 'Events', mediaType: 'text/event-stream' } },
    errors: ['run-not-found', 'not-found'],
    async handle({ caller, params, query, request }, ports): Promise<Reply> {
      const record = await requireRecord(ports, caller, params.id);
      const { run } = record;
      const context = { run, plan: await pinnedPlan(ports, run) };
      const follow = (after: number) =>
        renderEvents(ports, context, streamEvents(ports, { runId: run.id, after, receivedAt: request.receivedAt }));
      if (!query.snapshot) return { status: 200, body: eventStream(follow(readLastEventId(request, query.after))) };
      const snapshot = await renderSnapshot(ports, context, record);
      return { status: 200, body: eventStream(prepend(snapshot, follow(snapshot.id))) };
    },
  }),
];
