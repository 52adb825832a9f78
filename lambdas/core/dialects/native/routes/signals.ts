// Signals: the answer that a callback, an approval or a question waits for.

import * as z from 'zod';
import { requireRun } from '../../../access/run-access.ts';
import { signalByToken, signalRun } from '../../../api/signal.ts';
import type { Json } from '../../../json.ts';
import { json, route } from '../../dialect.ts';
import { runIdParams } from '../input.ts';
import { renderSummary, runSummary } from '../render.ts';

const tag = 'Signals';
const payload = {
  kind: 'json',
  schema: z.unknown().meta({ description: 'Any JSON: the answer, as the node takes it' }),
  optional: true,
  examples: { approval: { action: 'approve' } },
} as const;
const errors = ['signal-not-awaited', 'signal-already-given', 'run-already-settled'] as const;

const byPath = route({
  id: 'signalNode',
  method: 'POST',
  path: '/v1/runs/{id}/signals/{path}',
  access: 'run',
  tag,
  summary: 'Complete a callback, approval or question',
  description:
    'A signal that arrives before its node waits is kept for the node. One that no unit of the run can take is refused: ' +
    'the message says which form the path needs, or what has ended.',
  params: runIdParams.extend({
    path: z
      .string()
      .max(512)
      .meta({
        description:
          'Path of the node as `GET /v1/runs/{id}/nodes` shows it, percent-encoded: `review`, `pages%5B00002%5D.check`. ' +
          'Items and rounds need their number, with or without zeros in front',
      }),
  }),
  body: payload,
  answers: { 202: { description: 'The signal is kept and the run continues', schema: runSummary } },
  errors: ['run-not-found', ...errors],
  async handle({ body, caller, params }, ports) {
    const { id } = await requireRun(ports, caller, params.id);
    const signal = { runId: id, path: params.path, payload: body as Json, by: caller.key.id };
    return json(202, renderSummary(await signalRun(ports, caller, signal)));
  },
});

const byToken = route({
  id: 'signalByToken',
  method: 'POST',
  path: '/v1/signals/{token}',
  access: 'anyone',
  tag,
  summary: 'Complete a callback at its URL',
  description:
    'Needs no key: the URL (`$callback.url` in a flow) cannot be guessed. The response says nothing about the run.',
  params: z.object({ token: z.string().max(1_024) }),
  body: payload,
  answers: { 202: { description: 'The signal is kept', schema: z.object({ accepted: z.literal(true) }) } },
  errors: ['not-found', ...errors],
  async handle({ body, params }, ports) {
    await signalByToken(ports, params.token, body as Json);
    return json(202, { accepted: true });
  },
});

export const signalRoutes = [byPath, byToken];
