// The platform about itself: welcome, health, the OpenAPI document, and who the caller is.

import * as z from 'zod';
import packageJson from '../../../../../package.json' with { type: 'json' };
import { SCOPES } from '../../../ports/catalog.ts';
import { DIALECTS } from '../../../run.ts';
import { type Dialect, json, route } from '../../dialect.ts';
import { anyObject, nullableTime } from '../render.ts';
import { entitlements, limits } from './tenants.ts';

const tag = 'Platform';
const { version } = packageJson;

const welcome = route({
  id: 'welcome',
  method: 'GET',
  path: '/',
  access: 'anyone',
  tag,
  summary: 'Read the name and the URLs of the API',
  answers: { 200: { description: 'Names and URLs', schema: anyObject } },
  errors: [],
  async handle({ request: { origin } }) {
    return json(200, {
      name: 'Errand',
      version,
      openapi: `${origin}/openapi.json`,
      health: `${origin}/health`,
      hint: 'Send your key as: Authorization: Bearer <key>',
    });
  },
});

const health = route({
  id: 'health',
  method: 'GET',
  path: '/health',
  access: 'anyone',
  tag,
  summary: 'Check whether the platform can accept runs',
  answers: {
    200: { description: 'Both tables can be read', schema: z.object({ status: z.literal('ok'), version: z.string() }) },
  },
  errors: [],
  async handle(_call, ports) {
    await Promise.all([ports.runs.glance('health'), ports.tenants.tenant('health')]);
    return json(200, { status: 'ok', version });
  },
});

// The document describes the dialect that this route is part of, so the route gets it when both exist.
const makeOpenApi = (dialect: () => Dialect) =>
  route({
    id: 'describeApi',
    method: 'GET',
    path: '/openapi.json',
    access: 'anyone',
    tag,
    summary: 'Read this description of the API',
    answers: { 200: { description: 'OpenAPI 3.1', schema: anyObject } },
    errors: [],
    async handle({ request: { origin } }) {
      const { describe } = await import('../../openapi.ts');
      const document = describe(dialect(), { title: 'Errand', version, origin });
      return json(200, document, { 'cache-control': 'public, max-age=300' });
    },
  });

const flowFormat = route({
  id: 'describeFlowFormat',
  method: 'GET',
  path: '/schemas/flow-1.json',
  access: 'anyone',
  tag,
  summary: 'Read the JSON Schema of the flow format, for editors',
  answers: { 200: { description: 'JSON Schema', schema: anyObject, mediaType: 'application/schema+json' } },
  errors: [],
  async handle() {
    const [{ flowSchema }, { NODE_KINDS }] = await Promise.all([
      import('../../../flow/schema.ts'),
      import('../../../nodes/index.ts'),
    ]);
    const text = JSON.stringify(flowSchema(NODE_KINDS));
    const headers = { 'cache-control': 'public, max-age=300' };
    return { status: 200, headers, body: { text, type: 'application/schema+json' } };
  },
});

const me = route({
  id: 'readCaller',
  method: 'GET',
  path: '/v1/me',
  access: 'run',
  tag,
  summary: 'Read the tenant, limits and scopes of the key',
  answers: {
    200: {
      description: 'The tenant, its limits, and the key',
      schema: z.object({
        tenant: z.object({ id: z.string(), name: z.string() }),
        limits,
        entitlements,
        occupancy: z.object({ running: z.int(), queued: z.int(), sync: z.int() }),
        key: z.object({
          id: z.string(),
          dialect: z.enum(DIALECTS),
          name: z.string().nullable(),
          flow: z.string().nullable(),
          scopes: z.array(z.enum(SCOPES)),
          expiresAt: nullableTime,
        }),
      }),
    },
  },
  errors: [],
  async handle({ caller: { key, tenant } }, ports) {
    const { running, queued, sync } = await ports.slots.occupancy(tenant.id);
    return json(200, {
      tenant: { id: tenant.id, name: tenant.name },
      limits: tenant.limits,
      entitlements: tenant.entitlements,
      occupancy: { running: running.length, queued, sync: sync.length },
      key: {
        id: key.id,
        dialect: key.dialect,
        name: key.name ?? null,
        flow: key.flow ?? null,
        scopes: key.scopes,
        expiresAt: key.expiresAt === undefined ? null : new Date(key.expiresAt).toISOString(),
      },
    });
  },
});

export const platformRoutes = (dialect: () => Dialect) => [welcome, health, makeOpenApi(dialect), flowFormat, me];
