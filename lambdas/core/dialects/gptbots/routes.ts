// Running the workflow of the key and reading the result; what runs cost; what the key belongs to.

import * as z from 'zod';
import { resolveVendorId } from '../../access/keys.ts';
import { requireRecord } from '../../access/run-access.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import { isRunId } from '../../run-id.ts';
import { pageOfRuns } from '../../runs/paged-runs.ts';
import { json, route } from '../dialect.ts';
import { uploadBody } from '../files.ts';
import { creditsQuery, readSubmission, runBody } from './input.ts';
import { renderAccepted, renderCreditsEntry, renderRun } from './render.ts';

const tag = 'GPTBots';

const invoke = route({
  id: 'gptbotsInvoke',
  method: 'POST',
  path: '/v1/workflow/invoke',
  access: 'run',
  tag,
  summary: 'Run the workflow of the key',
  // Files may be inside.
  body: { kind: 'json', schema: runBody, maxBytes: uploadBody.maxBytes },
  answers: { 200: { description: 'Sync: the result. Async: the id of the run' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const { run, replayed } = await submit(ports, caller, await readSubmission(ports, caller, body));
    if (run.mode === 'async') return json(200, renderAccepted(run));
    return answerRun(ports, { run, replayed, receivedAt: request.receivedAt, render: renderRun, status: () => 200 });
  },
});

const query = route({
  id: 'gptbotsQueryResult',
  method: 'POST',
  path: '/v1/workflow/query/result',
  access: 'run',
  tag,
  summary: 'Read the result of a run',
  body: { kind: 'json', schema: z.object({ workflowRunId: z.string() }) },
  answers: { 200: { description: 'The result so far' } },
  errors: ['run-not-found'],
  async handle({ body, caller }, ports) {
    return json(200, renderRun(await requireRecord(ports, caller, body.workflowRunId)));
  },
});

const credits = route({
  id: 'gptbotsCredits',
  method: 'GET',
  path: '/v1/account/workflow/run/credits',
  access: 'run',
  tag,
  summary: 'List the cost of runs, in credits',
  query: creditsQuery,
  answers: { 200: { description: 'A page of runs' } },
  errors: [],
  async handle({ caller, query: { start_time, end_time, page, page_size, run_id } }, ports) {
    const query = {
      tenant: caller.tenant.id,
      dialect: 'gptbots' as const,
      from: start_time,
      to: end_time + 1,
      flow: caller.key.flow,
      q: run_id,
    };
    const isNone = run_id !== undefined && !isRunId(run_id);
    const none = { runs: [], total: 0 };
    const { runs, total } = isNone ? none : await pageOfRuns(ports, query, { number: page, size: page_size });
    return json(200, { list: runs.map(renderCreditsEntry), total, page, page_size, start_time, end_time });
  },
});

const verify = route({
  id: 'gptbotsVerifyKey',
  method: 'GET',
  path: '/v1/api-key/verify',
  access: 'run',
  tag,
  summary: 'Read what the key belongs to',
  answers: { 200: { description: 'The workflow of the key' } },
  errors: [],
  async handle({ caller }) {
    const { flow } = caller.key;
    return json(200, { entityType: 'WORKFLOW', entityId: flow === undefined ? null : resolveVendorId(caller, flow) });
  },
});

export const routes = [invoke, query, credits, verify];
