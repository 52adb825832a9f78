// Running the workflow of the key, and asking for the result.

import * as z from 'zod';
import { boundFlow } from '../../access/keys.ts';
import { requireRecord } from '../../access/run-access.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import { getFlow } from '../../catalog/flows.ts';
import { webhookSchema } from '../../deliver/targets.ts';
import { json, judgedByCore, route } from '../dialect.ts';
import { withContents } from './input.ts';
import { readEcho, renderAccepted, renderResult } from './render.ts';

const tag = 'GPTBots';

const invokeBody = z.object({
  userId: z.string().max(256).nullish(),
  input: z.record(z.string(), z.unknown()),
  isAsync: z.boolean().nullish(),
  webhook: judgedByCore(z.array(webhookSchema)).optional(),
});

const invoke = route({
  id: 'gptbotsInvoke',
  method: 'POST',
  path: '/v1/workflow/invoke',
  access: 'run',
  tag,
  summary: 'Run the workflow of the key',
  body: { kind: 'json', schema: invokeBody },
  answers: { 200: { description: 'Sync: the result. Async: the id of the run' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const flow = boundFlow(caller);
    const { title = flow } = await getFlow(ports, caller.tenant.id, flow);
    const { run, replayed } = await submit(ports, caller, {
      flow,
      dialect: 'gptbots',
      inputs: await withContents(ports, caller, body.input),
      mode: body.isAsync ? 'async' : 'sync',
      echo: readEcho(caller, { flow, title }),
      ...(body.userId && { user: body.userId }),
      // Webhooks tell of async runs only; a sync caller has the result.
      ...(body.isAsync && { webhooks: body.webhook }),
    });
    if (run.mode === 'async') return json(200, renderAccepted(run));
    const render = renderResult;
    return answerRun(ports, { run, replayed, receivedAt: request.receivedAt, render, status: () => 200 });
  },
});

const query = route({
  id: 'gptbotsQueryResult',
  method: 'POST',
  path: '/v1/workflow/query/result',
  access: 'run',
  tag,
  summary: 'Ask for the result of a run',
  body: { kind: 'json', schema: z.object({ workflowRunId: z.string() }) },
  answers: { 200: { description: 'The result as far as it is known' } },
  errors: ['run-not-found'],
  async handle({ body, caller }, ports) {
    return json(200, renderResult(await requireRecord(ports, caller, body.workflowRunId)));
  },
});

export const workflowRoutes = [invoke, query];
