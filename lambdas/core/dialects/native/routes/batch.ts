// Many async runs in one call; each is accepted or rejected on its own.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { requireFlow } from '../../../access/run-access.ts';
import { submit } from '../../../api/submit.ts';
import { ApiError, ERRORS, type ErrorCode } from '../../../errors.ts';
import { MAX_BATCH_RUNS } from '../../../limits.ts';
import type { Ports } from '../../../ports/ports.ts';
import { json, route } from '../../dialect.ts';
import { errorSchema } from '../errors.ts';
import { asyncRunBody, readSubmission } from '../input.ts';
import { renderSummary, runSummary } from '../render.ts';

// Accepting a run writes only items of that run, so runs are accepted in parallel. The limit keeps the load on the tables low.
const PARALLEL_ACCEPTS = 10;

const entry = asyncRunBody.extend({
  flow: z.string().min(1),
  idempotencyKey: z.string().min(1).max(255).optional(),
});

const body = z.strictObject({ runs: z.array(entry).min(1).max(MAX_BATCH_RUNS) });

/** Every run has its own error; a fault of the platform fails the whole call, which can be repeated with idempotency keys. */
async function accept(ports: Ports, caller: Caller, { flow, ...settings }: z.output<typeof entry>) {
  try {
    requireFlow(caller, flow);
    const { run } = await submit(ports, caller, readSubmission(flow, { ...settings, mode: 'async' }));
    return { status: 202, run: renderSummary(run) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, message, details } = error;
    return { status: ERRORS[code as ErrorCode].status, error: { code, message, details } };
  }
}

export const batchRoutes = [
  route({
    id: 'startRuns',
    method: 'POST',
    path: '/v1/runs:batch',
    access: 'run',
    tag: 'Runs',
    summary: `Start up to ${MAX_BATCH_RUNS} async runs`,
    description:
      'Returns one entry per run, in order: 202 with the run, or the status and error of a call for this run alone.',
    body: {
      kind: 'json',
      schema: body,
      examples: {
        two: {
          runs: [
            { flow: 'hello', inputs: { name: 'Ada' } },
            { flow: 'hello', inputs: { name: 'Bob' } },
          ],
        },
      },
    },
    answers: {
      200: {
        description: 'The result of each',
        schema: z.object({
          items: z.array(
            z.union([
              z.object({ status: z.literal(202), run: runSummary }),
              z.object({ status: z.int(), error: errorSchema.shape.error.omit({ requestId: true }) }),
            ]),
          ),
          next: z.null(),
        }),
      },
    },
    errors: [],
    async handle({ body: { runs }, caller }, ports) {
      const items: Awaited<ReturnType<typeof accept>>[] = [];
      for (let at = 0; at < runs.length; at += PARALLEL_ACCEPTS) {
        const some = runs.slice(at, at + PARALLEL_ACCEPTS);
        items.push(...(await Promise.all(some.map((submitted) => accept(ports, caller, submitted)))));
      }
      return json(200, { items, next: null });
    },
  }),
];
