// Starting a run of a flow: sync answers it, stream tells of it as it goes, async promises it.

import * as z from 'zod';
import { pinnedPlan, requireFlow } from '../../../access/run-access.ts';
import { streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { type Submission, submit } from '../../../api/submit.ts';
import { answerRun } from '../../../api/sync-response.ts';
import { webhookSchema } from '../../../deliver/targets.ts';
import { ApiError } from '../../../errors.ts';
import { IDEMPOTENCY_KEY_CHARS, MAX_WEBHOOKS } from '../../../limits.ts';
import type { Ports } from '../../../ports/ports.ts';
import { RUN_MODES } from '../../../run.ts';
import { renderRun } from '../../../runs/run-view.ts';
import { type Call, json, leaveToCore, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { renderEvents } from '../events.ts';
import { anyObject, flowParams, renderSummary, run, runSummary } from '../render.ts';

const settings = {
  inputs: leaveToCore(anyObject).optional().meta({ description: "Values of the flow's inputs" }),
  version: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: '`1.0.1`, or `1.0` for its newest; else the newest' }),
  draft: z.boolean().optional().meta({ description: 'Run the draft instead of a version (a debug run)' }),
  user: z.string().min(1).max(256).optional().meta({ description: 'Whom the run is for; a filter of the list' }),
  webhooks: leaveToCore(z.array(webhookSchema).max(MAX_WEBHOOKS))
    .optional()
    .meta({ description: 'Told when the run has ended, each independently' }),
  priority: leaveToCore(z.int().min(0).max(9)).optional().meta({ description: 'Of waiting runs, 9 goes first' }),
  startAfter: leaveToCore(z.iso.datetime({ offset: true }))
    .optional()
    .meta({ description: 'Async: not before; less than 24 h from now' }),
  timeout: leaveToCore(z.string())
    .optional()
    .meta({ description: 'After acceptance or `startAfter`, such as `90s`; at most 24 h after acceptance' }),
  plugins: leaveToCore(anyObject).optional().meta({ description: "The user's credentials for plugins" }),
  metadata: leaveToCore(anyObject).optional().meta({ description: 'Kept with the run and returned with it' }),
};

export const asyncRunBody = z.strictObject(settings);
const runBody = asyncRunBody.extend({
  mode: z.enum(RUN_MODES).default('sync').meta({
    description: '`sync` answers the run, `stream` tells of it as server-sent events, `async` answers its id at once',
  }),
});

/** What the core is asked for, without the fields that the caller left out. */
export function readSubmission(flow: string, body: z.output<typeof runBody>): Submission {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return { inputs: {}, ...Object.fromEntries(given), mode: body.mode, flow, dialect: 'native' };
}

function idempotencyKey({ request }: Call): { idempotencyKey?: string } {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return {};
  if (key.length > 0 && key.length <= IDEMPOTENCY_KEY_CHARS && /^[\x20-\x7e]+$/.test(key))
    return { idempotencyKey: key };
  const message = `must be 1 to ${IDEMPOTENCY_KEY_CHARS} visible ASCII characters`;
  throw new ApiError('invalid-request', `Idempotency-Key ${message}`, {
    details: [{ field: 'Idempotency-Key', message }],
  });
}

async function start(call: Call<{ name: string }, undefined, z.output<typeof runBody>>, ports: Ports): Promise<Reply> {
  const { body, caller, params, request } = call;
  requireFlow(caller, params.name);
  const submission = { ...readSubmission(params.name, body), ...idempotencyKey(call) };
  const { run: accepted, replayed } = await submit(ports, caller, submission);
  const location = `${request.origin}/v1/runs/${accepted.id}`;
  const made = { run: accepted, replayed, receivedAt: request.receivedAt };
  switch (body.mode) {
    case 'sync':
      return answerRun(ports, { ...made, render: renderRun });
    case 'stream': {
      const plan = await pinnedPlan(ports, accepted);
      const { items, pending } = streamRun(ports, made);
      return { status: 200, headers: { location }, body: eventStream(renderEvents(ports, plan, items)), pending };
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
      'Sync: 200 with the run when it has ended, also when it failed or was canceled (its `status` tells); 202 when it waits for somebody. An answer that takes longer than four minutes begins with 200 and spaces before the JSON; after fourteen minutes the run is answered as it stands and goes on. Stream: server-sent events as of `GET /v1/runs/{id}/events`, and `node.delta` with text as it is written; it ends early where somebody must answer first. Async: 202 at once. A caller that leaves never stops a run.',
    params: flowParams,
    headers: {
      'Idempotency-Key':
        'The same key and body give the same run for 24 hours; another body is refused; the key of a failed run is free again.',
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
        description: 'Async: the run, accepted. Sync: the whole run, which waits for somebody',
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
