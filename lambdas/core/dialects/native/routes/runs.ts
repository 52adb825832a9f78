// Reading runs: one, a list with filters, its node results, its pinned definition.

import * as z from 'zod';
import { pinnedPlan, requireFlow, requireRecord, requireRun } from '../../../access/run-access.ts';
import { viewNodes } from '../../../runs/nodes-view.ts';
import { loadRecords } from '../../../runs/reuse.ts';
import { renderRun } from '../../../runs/run-view.ts';
import { json, route } from '../../dialect.ts';
import { readRunQuery, runFilters, runIdParams } from '../input.ts';
import { anyObject, listSchema, nodeRun, renderSummary, run, runSummary } from '../render.ts';

const tag = 'Runs';

const listRuns = route({
  id: 'listRuns',
  method: 'GET',
  path: '/v1/runs',
  access: 'run',
  tag,
  summary: 'List runs, newest first',
  description:
    'With `flow`, inputs marked `searchable` are found by index; other inputs and `q` by a bounded scan, so that a page may have fewer runs than `limit` and still a `next`.',
  query: runFilters,
  answers: { 200: { description: 'A page of runs', schema: listSchema(runSummary) } },
  errors: ['forbidden'],
  async handle({ caller, query }, ports) {
    const { flow = caller.key.flow } = query;
    if (flow !== undefined) requireFlow(caller, flow);
    const { runs, next } = await ports.runs.list(await readRunQuery(ports, { tenant: caller.tenant.id, flow }, query));
    return json(200, { items: runs.map(renderSummary), next });
  },
});

const getRun = route({
  id: 'readRun',
  method: 'GET',
  path: '/v1/runs/{id}',
  access: 'run',
  tag,
  summary: 'Read a run',
  params: runIdParams,
  answers: { 200: { description: 'The run', schema: run } },
  errors: ['run-not-found'],
  async handle({ caller, params }, ports) {
    return json(200, renderRun(await requireRecord(ports, caller, params.id)));
  },
});

const getNodes = route({
  id: 'readNodes',
  method: 'GET',
  path: '/v1/runs/{id}/nodes',
  access: 'run',
  tag,
  summary: "Read the results of a run's nodes, in order",
  params: runIdParams,
  answers: { 200: { description: 'Every node', schema: z.object({ items: z.array(nodeRun), next: z.null() }) } },
  errors: ['run-not-found'],
  async handle({ caller, params }, ports) {
    const found = await requireRun(ports, caller, params.id);
    const [plan, records] = await Promise.all([pinnedPlan(ports, found), loadRecords(ports, found)]);
    return json(200, { items: viewNodes(plan, found, records), next: null });
  },
});

const getSnapshot = route({
  id: 'readSnapshot',
  method: 'GET',
  path: '/v1/runs/{id}/snapshot',
  access: 'run',
  tag,
  summary: 'Read the definition that a run executes',
  description: 'Pinned when the run was accepted; later versions of the flow do not change it.',
  params: runIdParams,
  answers: {
    200: {
      description: 'The definition',
      schema: z.object({ run: z.string(), flow: z.string(), version: z.string(), digest: z.string(), plan: anyObject }),
    },
  },
  errors: ['run-not-found', 'not-found'],
  async handle({ caller, params }, ports) {
    const { id, flow, version, digest, ...rest } = await requireRun(ports, caller, params.id);
    const plan = await pinnedPlan(ports, { id, flow, version, digest, ...rest });
    return json(200, { run: id, flow, version, digest, plan });
  },
});

export const runRoutes = [listRuns, getRun, getNodes, getSnapshot];
