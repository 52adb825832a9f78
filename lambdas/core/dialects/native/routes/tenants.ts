// Tenants, for operators: create, read, change limits and entitlements.

import * as z from 'zod';
import {
  createTenant,
  listTenants,
  newTenantSchema,
  readTenant,
  renderTenant,
  tenantUpdateSchema,
  updateTenant,
} from '../../../access/tenants.ts';
import { json, route } from '../../dialect.ts';
import { page } from '../input.ts';
import { listSchema, time } from '../render.ts';

const tag = 'Tenants';
const params = z.object({ id: z.string().max(64) });

export const limits = z.object({ concurrency: z.int(), queued: z.int(), sync: z.int() });
export const entitlements = z.object({ async: z.boolean() });

const tenant = z
  .object({ id: z.string(), name: z.string(), limits, entitlements, creditsPerUsd: z.number(), createdAt: time })
  .meta({ id: 'Tenant' });

const create = route({
  id: 'createTenant',
  method: 'POST',
  path: '/v1/tenants',
  access: 'operator',
  tag,
  summary: 'Create a tenant',
  body: {
    kind: 'json',
    schema: newTenantSchema,
    optional: true,
    examples: { newsroom: { id: 'newsroom', name: 'Newsroom', limits: { concurrency: 20 } } },
  },
  answers: { 201: { description: 'The tenant', schema: tenant } },
  errors: [],
  async handle({ body }, ports) {
    return json(201, renderTenant(await createTenant(ports, body)));
  },
});

const list = route({
  id: 'listTenants',
  method: 'GET',
  path: '/v1/tenants',
  access: 'operator',
  tag,
  summary: 'List tenants',
  query: z.strictObject(page),
  answers: { 200: { description: 'A page of tenants', schema: listSchema(tenant) } },
  errors: [],
  async handle({ query: { limit, cursor } }, ports) {
    const { tenants, next } = await listTenants(ports, { limit, cursor });
    return json(200, { items: tenants.map(renderTenant), next });
  },
});

const read = route({
  id: 'readTenant',
  method: 'GET',
  path: '/v1/tenants/{id}',
  access: 'operator',
  tag,
  summary: 'Read a tenant',
  params,
  answers: { 200: { description: 'The tenant', schema: tenant } },
  errors: ['not-found'],
  async handle({ params: { id } }, ports) {
    return json(200, renderTenant(await readTenant(ports, id)));
  },
});

const update = route({
  id: 'changeTenant',
  method: 'PATCH',
  path: '/v1/tenants/{id}',
  access: 'operator',
  tag,
  summary: 'Change limits, entitlements or the name of a tenant',
  description:
    'Fields that are not in the request stay as they are. A changed limit takes effect everywhere within half a minute.',
  params,
  body: { kind: 'json', schema: tenantUpdateSchema, examples: { wider: { limits: { concurrency: 100 } } } },
  answers: { 200: { description: 'The tenant', schema: tenant } },
  errors: ['not-found'],
  async handle({ body, params: { id } }, ports) {
    return json(200, renderTenant(await updateTenant(ports, id, body)));
  },
});

export const tenantRoutes = [create, list, read, update];
