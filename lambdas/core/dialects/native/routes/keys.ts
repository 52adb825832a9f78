// Keys of the tenant: issue (the secret is returned once), list, revoke.

import * as z from 'zod';
import { grantsSchema } from '../../../access/grants.ts';
import { issueKey, listKeys, newKeySchema, renderKey, revokeKey } from '../../../access/keys.ts';
import { SCOPES } from '../../../ports/catalog.ts';
import { DIALECTS } from '../../../run.ts';
import { json, route } from '../../dialect.ts';
import { nullableTime, time } from '../render.ts';

const tag = 'Keys';

const key = z
  .object({
    id: z.string(),
    dialect: z.enum(DIALECTS),
    flow: z.string().nullable(),
    ids: z.record(z.string(), z.string()),
    scopes: z.array(z.enum(SCOPES)),
    grants: grantsSchema.required().nullable().meta({ description: 'Of a key that writes one flow; else null' }),
    name: z.string().nullable(),
    createdAt: time,
    expiresAt: nullableTime,
    lastUsedAt: nullableTime,
  })
  .meta({ id: 'Key' });

const issue = route({
  id: 'issueKey',
  method: 'POST',
  path: '/v1/keys',
  access: 'admin',
  tag,
  summary: 'Issue a key',
  description:
    '`credentials` are returned only once and not stored. You cannot issue a scope that your key does not have. A key that is bound to a flow may do with that flow what its scopes allow, and nothing that concerns the whole tenant. With the scope `admin` it publishes the flow, which may then use of the tenant what `grants` lists, by name or `*` for all: secrets, plugins, other flows, functions, models (`provider/model`) and knowledge bases. Without grants it uses nothing of the tenant.',
  body: {
    kind: 'json',
    schema: newKeySchema,
    optional: true,
    examples: {
      bound: { name: 'newsroom', flow: 'hello', scopes: ['run'] },
      author: { flow: 'hello', scopes: ['run', 'admin'], grants: { secrets: ['NEWS_TOKEN'], models: ['*'] } },
    },
  },
  answers: {
    201: { description: 'The key', schema: key.extend({ credentials: z.record(z.string(), z.string()) }) },
  },
  errors: ['not-found'],
  async handle({ body, caller }, ports) {
    const { key: issued, credentials } = await issueKey(ports, caller, body);
    return json(201, { ...renderKey(issued), credentials });
  },
});

const list = route({
  id: 'listKeys',
  method: 'GET',
  path: '/v1/keys',
  access: 'admin',
  tag,
  summary: 'List keys',
  answers: { 200: { description: 'Every key', schema: z.object({ items: z.array(key), next: z.null() }) } },
  errors: [],
  async handle({ caller }, ports) {
    const keys = await listKeys(ports, caller.tenant.id);
    return json(200, { items: keys.map(renderKey), next: null });
  },
});

const revoke = route({
  id: 'revokeKey',
  method: 'DELETE',
  path: '/v1/keys/{id}',
  access: 'admin',
  tag,
  summary: 'Revoke a key',
  description: 'Takes effect everywhere within half a minute.',
  params: z.object({ id: z.string().max(64) }),
  answers: { 204: { description: 'The key is revoked' } },
  errors: ['not-found'],
  async handle({ caller, params }, ports) {
    await revokeKey(ports, caller.tenant.id, params.id);
    return { status: 204 };
  },
});

export const keyRoutes = [issue, list, revoke];
