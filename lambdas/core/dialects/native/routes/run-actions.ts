// Acting on a run: cancel it, run it again.

import * as z from 'zod';
import { requireRun } from '../../../access/run-access.ts';
import { cancelRun } from '../../../api/cancel.ts';
import { rerun } from '../../../api/rerun.ts';
import { json, leaveToCore, route } from '../../dialect.ts';
import { runIdParams } from '../input.ts';
import { anyObject, renderSummary, runSummary } from '../render.ts';

const tag = 'Runs';

const cancel = route({
  id: 'cancelRun',
  method: 'POST',
  path: '/v1/runs/{id}/cancel',
  access: 'run',
  tag,
  summary: 'Cancel a run',
  description: 'Stops pending, running and waiting runs; a run that has ended stays as it is. May be repeated.',
  params: runIdParams,
  body: { kind: 'json', schema: z.strictObject({}), optional: true },
  answers: {
    200: { description: 'The run, which has ended', schema: runSummary },
    202: { description: 'The run, which will end soon', schema: runSummary },
  },
  errors: ['run-not-found'],
  async handle({ caller, params }, ports) {
    const found = await requireRun(ports, caller, params.id);
    const run = await cancelRun(ports, caller, found.id);
    return json(run.endedAt === undefined ? 202 : 200, renderSummary(run));
  },
});

const again = route({
  id: 'rerunRun',
  method: 'POST',
  path: '/v1/runs/{id}/rerun',
  access: 'run',
  tag,
  summary: 'Run a run again',
  description:
    'A new async run with the same inputs, linked by `rerunOf`. From `failed`, the results of nodes that succeeded are reused; ' +
    'from a node, everything that does not depend on it. Results are reused only with the definition that made them, so ' +
    'both are refused for a run of a draft that has changed. Credentials for plugins that the run had must be given again, ' +
    'unless the run keeps them (`keepCredentials`), and the key and version are the same.',
  params: runIdParams,
  body: {
    kind: 'json',
    schema: z.strictObject({
      from: z
        .string()
        .max(64)
        .optional()
        .meta({ description: '`start` (default), `failed`, or the id of a node that is in no group' }),
      version: z.enum(['same', 'latest']).optional(),
      plugins: leaveToCore(anyObject)
        .optional()
        .meta({ description: "The user's credentials for plugins, given again" }),
    }),
    optional: true,
    examples: { failed: { from: 'failed', version: 'same' }, node: { from: 'summary' } },
  },
  answers: { 202: { description: 'The new run', schema: runSummary } },
  errors: ['run-not-found', 'async-unsupported', 'async-not-entitled', 'tenant-over-limit', 'flow-disabled'],
  async handle({ body, caller, params, request }, ports) {
    const { id } = await requireRun(ports, caller, params.id);
    const options = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const run = await rerun(ports, caller, id, options);
    return json(202, renderSummary(run), { location: `${request.origin}/v1/runs/${run.id}` });
  },
});

export const runActionRoutes = [cancel, again];
