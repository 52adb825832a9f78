// Many async runs in one call, each accepted or refused on its own.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { requireFlow } from '../../../access/run-access.ts';
import { submit } from '../../../api/submit.ts';
import { ApiError, ERRORS, type ErrorCode } from '../../../errors.ts';
import { MAX_BATCH_RUNS } from '../../../limits.ts';
import type { Ports } from '../../../ports/ports.ts';
import { json, route } from '../../dialect.ts';
import { errorEnvelope, renderSummary, runSummary } from '../render.ts';
import { asyncRunBody, readSubmission } from './start.ts';

// Accepts touch items of their own run only, so they go side by side; this bounds the burst on the tables.
const SIDE_BY_SIDE = 10;

const entry = asyncRunBody.extend({
  flow: z.string().min(1),
  idempotencyKey: z.string().min(1).max(255).optional(),
});

const body = z.strictObject({ runs: z.array(entry).min(1).max(MAX_BATCH_RUNS) });

/** Refusals are told apart; a fault of the platform fails the call, which may be repeated with idempotency keys. */
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
      'Answers one entry per run, in order: 202 with the run, or the status and error that it would have had.',
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
        description: 'What became of each',
        schema: z.object({
          items: z.array(
            z.union([
              z.object({ status: z.literal(202), run: runSummary }),
              z.object({ status: z.int(), error: errorEnvelope.shape.error.omit({ requestId: true }) }),
            ]),
          ),
          next: z.null(),
        }),
      },
    },
    errors: [],
    async handle({ body: { runs }, caller }, ports) {
      const items: Awaited<ReturnType<typeof accept>>[] = [];
      for (let at = 0; at < runs.length; at += SIDE_BY_SIDE) {
        const some = runs.slice(at, at + SIDE_BY_SIDE);
        items.push(...(await Promise.all(some.map((asked) => accept(ports, caller, asked)))));
      }
      return json(200, { items, next: null });
    },
  }),
];
