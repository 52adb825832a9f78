// Flows and their published versions: list, read, enable and disable, remove. Drafts are in a file of their own.

import * as z from 'zod';
import { requireFlow } from '../../../access/run-access.ts';
import {
  deleteFlow,
  findVersion,
  getFlow,
  listFlows,
  listVersions,
  resolveVersion,
  setFlowEnabled,
} from '../../../catalog/flows.ts';
import { json, route } from '../../dialect.ts';
import { flowParams, page } from '../input.ts';
import { flow, flowVersion, listSchema, parameters, renderFlow, renderParameters, renderVersion } from '../render.ts';

const tag = 'Flows';

const list = route({
  id: 'listFlows',
  method: 'GET',
  path: '/v1/flows',
  access: 'run',
  tag,
  summary: 'List flows, with how each can run',
  query: z.strictObject(page),
  answers: { 200: { description: 'A page of flows', schema: listSchema(flow) } },
  errors: [],
  async handle({ caller: { key, tenant }, query: { limit, cursor } }, ports) {
    if (key.flow !== undefined) {
      return json(200, { items: [renderFlow(await getFlow(ports, tenant.id, key.flow))], next: null });
    }
    const { flows, next } = await listFlows(ports, tenant.id, { limit, cursor });
    return json(200, { items: flows.map(renderFlow), next });
  },
});

const read = route({
  id: 'readFlow',
  method: 'GET',
  path: '/v1/flows/{name}',
  access: 'run',
  tag,
  summary: 'Read a flow',
  params: flowParams,
  answers: { 200: { description: 'The flow', schema: flow } },
  errors: ['flow-not-found'],
  async handle({ caller, params: { name } }, ports) {
    requireFlow(caller, name);
    return json(200, renderFlow(await getFlow(ports, caller.tenant.id, name)));
  },
});

const change = route({
  id: 'changeFlow',
  method: 'PATCH',
  path: '/v1/flows/{name}',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: 'Enable or disable a flow',
  description: 'A disabled flow accepts no new runs; runs that exist continue.',
  params: flowParams,
  body: { kind: 'json', schema: z.strictObject({ enabled: z.boolean() }), examples: { off: { enabled: false } } },
  answers: { 200: { description: 'The flow', schema: flow } },
  errors: ['flow-not-found'],
  async handle({ body, caller, params: { name } }, ports) {
    requireFlow(caller, name);
    return json(200, renderFlow(await setFlowEnabled(ports, caller.tenant.id, name, body.enabled)));
  },
});

const remove = route({
  id: 'removeFlow',
  method: 'DELETE',
  path: '/v1/flows/{name}',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: 'Remove a flow with its draft and versions',
  description: 'Runs that exist continue with their pinned definition.',
  params: flowParams,
  answers: { 204: { description: 'The flow is removed' } },
  errors: ['flow-not-found'],
  async handle({ caller, params: { name } }, ports) {
    requireFlow(caller, name);
    await deleteFlow(ports, caller.tenant.id, name);
    return { status: 204 };
  },
});

const versions = route({
  id: 'listVersions',
  method: 'GET',
  path: '/v1/flows/{name}/versions',
  access: 'run',
  tag,
  summary: 'List the published versions of a flow, newest first',
  params: flowParams,
  answers: { 200: { description: 'Every version', schema: z.object({ items: z.array(flowVersion), next: z.null() }) } },
  errors: ['flow-not-found'],
  async handle({ caller, params: { name } }, ports) {
    requireFlow(caller, name);
    const published = await listVersions(ports, caller.tenant.id, name);
    return json(200, { items: published.map(renderVersion), next: null });
  },
});

const version = route({
  id: 'readVersion',
  method: 'GET',
  path: '/v1/flows/{name}/versions/{version}',
  access: 'run',
  tag,
  summary: 'Read a published version with its source',
  params: flowParams.extend({ version: z.string() }),
  answers: { 200: { description: 'The version', schema: flowVersion.extend({ source: z.string() }) } },
  errors: ['flow-not-found', 'version-not-found'],
  async handle({ caller, params: { name, version: number } }, ports) {
    requireFlow(caller, name);
    const published = await findVersion(ports, caller.tenant.id, name, number);
    return json(200, { ...renderVersion(published), source: published.source });
  },
});

const inputs = route({
  id: 'readParameters',
  method: 'GET',
  path: '/v1/flows/{name}/parameters',
  access: 'run',
  tag,
  summary: 'Read the inputs that a run of the flow takes',
  params: flowParams,
  query: z.strictObject({
    version: z.string().optional().meta({ description: 'Without it the newest' }),
    draft: z.stringbool({ truthy: ['true'], falsy: ['false'] }).optional(),
  }),
  answers: { 200: { description: 'The inputs, in order', schema: parameters } },
  errors: ['flow-not-found', 'flow-not-published', 'flow-disabled', 'version-not-found', 'invalid-flow'],
  async handle({ caller, params: { name }, query }, ports) {
    requireFlow(caller, name);
    const wanted = { version: query.version, ...(query.draft && { draft: true }) };
    const { plan, version: found } = await resolveVersion(ports, caller.tenant.id, name, wanted);
    return json(200, renderParameters(found, plan));
  },
});

export const flowRoutes = [list, read, change, remove, versions, version, inputs];
