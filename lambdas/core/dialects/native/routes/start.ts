// Starting a run of a flow: sync returns the run when it has ended, stream sends its events, async returns at once.

import * as z from 'zod';
import { pinnedPlan, requireFlow } from '../../../access/run-access.ts';
import { streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { submit } from '../../../api/submit.ts';
import { answerRun } from '../../../api/sync-response.ts';
import type { Ports } from '../../../ports/ports.ts';
import { renderRun } from '../../../runs/run-view.ts';
import { type Call, json, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { renderEvents } from '../events.ts';
import { flowParams, readIdempotencyKey, readSubmission, runBody } from '../input.ts';
import { renderSummary, run, runSummary } from '../render.ts';

async function start(call: Call<{ name: string }, undefined, z.output<typeof runBody>>, ports: Ports): Promise<Reply> {
  const { body, caller, params, request } = call;
  requireFlow(caller, params.name);
  const submission = { ...readSubmission(params.name, body), ...readIdempotencyKey(request) };
  const { run: accepted, replayed } = await submit(ports, caller, submission);
  const location = `${request.origin}/v1/runs/${accepted.id}`;
  const started = { run: accepted, replayed, receivedAt: request.receivedAt };
  switch (body.mode) {
    case 'sync':
      return answerRun(ports, { ...started, render: renderRun });
    case 'stream': {
      const context = { run: accepted, plan: await pinnedPlan(ports, accepted) };
      const { items, pending } = streamRun(ports, started);
      return { status: 200, headers: { location }, body: eventStream(renderEvents(ports, context, items)), pending };
    }
    case 'async':
      return json(202, renderSummary(accepted), { location });
  }
}

export const startRoutes = [
  route({
    id: 'startRun',
    method: 'POST',
    path: '/v1/flows/{name}/runs',
    access: 'run',
    tag: 'Runs',
    summary: 'Run a flow',
    description:
      'Sync: 200 with the run when it has ended, also when it failed or was canceled (see its `status`); 202 when it waits for a person or a callback. An answer that takes longer than four minutes begins with 200 and spaces before the JSON; after fourteen minutes the answer is the run in its current state, and the run continues. Stream: server-sent events as in `GET /v1/runs/{id}/events`, and `node.delta` with text as it is written; the stream ends early when the run waits for a person or a callback. Async: 202 at once. A run continues when its caller disconnects.',
    params: flowParams,
    headers: {
      'Idempotency-Key':
        'The same key and body give the same run for 24 hours; the same key with another body is an error; the key of a failed run can be used again.',
    },
    body: {
      kind: 'json',
      schema: runBody,
      examples: {
        sync: { inputs: { name: 'Ada' } },
        async: {
          inputs: { name: 'Ada' },
          mode: 'async',
          webhooks: [{ url: 'https://example.com/done', method: 'POST', headers: { 'x-team': 'news' } }],
        },
      },
    },
    answers: {
      200: { description: 'Sync: the run, ended. Stream: its events (`text/event-stream`)', schema: run },
      202: {
        description: 'Async: the accepted run. Sync: the whole run, which waits for a person or a callback',
        schema: z.union([runSummary, run]),
      },
    },
    errors: [
      'invalid-inputs',
      'async-unsupported',
      'sync-unsupported',
      'async-not-entitled',
      'too-many-webhooks',
      'unsafe-url',
      'forbidden',
      'flow-not-found',
      'flow-not-published',
      'flow-disabled',
      'version-not-found',
      'idempotency-conflict',
      'tenant-over-limit',
    ],
    handle: start,
  }),
];
