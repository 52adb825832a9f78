// Asynchronous runs of workflow components: start one, ask for its result. And the id of a new conversation.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import { pinnedPlan, requireRecord } from '../../access/run-access.ts';
import { submit } from '../../api/submit.ts';
import { ApiError } from '../../errors.ts';
import { viewNodes } from '../../runs/nodes-view.ts';
import { loadRecords } from '../../runs/reuse.ts';
import { json, route } from '../dialect.ts';
import { stableUuid } from '../stable-uuid.ts';
import { parametersSchema, readSubmission } from './input.ts';
import { readIds, renderResult } from './render.ts';

const tag = 'Qianfan';

const run = route({
  id: 'qianfanAsyncRun',
  method: 'POST',
  path: '/v2/tools/workflow/async/run',
  access: 'run',
  tag,
  summary: 'Run a workflow component in the background',
  body: {
    kind: 'json',
    schema: z.object({ component: z.string().min(1), version: z.string().nullish(), parameters: parametersSchema }),
  },
  answers: { 200: { description: 'The id of the run' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const { run: accepted } = await submit(ports, caller, {
      ...readSubmission(caller, body.parameters, request.id),
      flow: resolveFlow(caller, body.component),
      mode: 'async',
      dialect: 'qianfan',
      ...(body.version && { version: body.version }),
    });
    return json(200, { ...readIds(accepted), execute_id: accepted.id });
  },
});

const retrieve = route({
  id: 'qianfanAsyncRetrieve',
  method: 'POST',
  path: '/v2/tools/workflow/async/retrieve',
  access: 'run',
  tag,
  summary: 'Ask for the result of a run',
  body: { kind: 'json', schema: z.object({ execute_id: z.string() }) },
  answers: { 200: { description: 'The result as far as it is known' } },
  errors: ['run-not-found'],
  async handle({ body, caller }, ports) {
    const record = await requireRecord(ports, caller, body.execute_id);
    const [plan, records] = await Promise.all([pinnedPlan(ports, record.run), loadRecords(ports, record.run)]);
    return json(200, renderResult(record, viewNodes(plan, record.run, records)));
  },
});

const conversation = route({
  id: 'qianfanConversation',
  method: 'POST',
  path: '/v2/app/conversation',
  access: 'run',
  tag,
  summary: 'Make the id of a conversation',
  body: { kind: 'json', schema: z.object({ app_id: z.string() }) },
  answers: { 200: { description: 'The id' } },
  errors: [],
  async handle({ body, caller, request }) {
    if (body.app_id === '') throw new ApiError('invalid-request', 'app_id is required');
    resolveFlow(caller, body.app_id);
    return json(200, { request_id: request.id, conversation_id: stableUuid('qianfan conversation', request.id) });
  },
});

export const toolRoutes = [run, retrieve, conversation];
