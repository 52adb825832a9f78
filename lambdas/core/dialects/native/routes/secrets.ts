// Secrets of the tenant, for flows that declare them: put, list by name, remove. Never read back.

import * as z from 'zod';
import { listSecrets, newSecretSchema, putSecret, removeSecret, secretNameSchema } from '../../../access/secrets.ts';
import { json, route } from '../../dialect.ts';
import { time } from '../render.ts';

const tag = 'Secrets';
const params = z.object({ name: secretNameSchema });

const put = route({
  id: 'putSecret',
  method: 'PUT',
  path: '/v1/secrets/{name}',
  access: 'admin',
  tag,
  summary: 'Set a secret',
  params,
  body: { kind: 'json', schema: newSecretSchema, examples: { token: { value: 'the token' } } },
  answers: { 204: { description: 'The secret is set' } },
  errors: [],
  async handle({ body, caller, params: { name } }, ports) {
    await putSecret(ports, caller.tenant.id, { name, value: body.value });
    return { status: 204 };
  },
});

const list = route({
  id: 'listSecrets',
  method: 'GET',
  path: '/v1/secrets',
  access: 'admin',
  tag,
  summary: 'List the names of secrets',
  answers: {
    200: {
      description: 'Names and times of the last change',
      schema: z.object({ items: z.array(z.object({ name: z.string(), updatedAt: time })), next: z.null() }),
    },
  },
  errors: [],
  async handle({ caller }, ports) {
    return json(200, { items: await listSecrets(ports, caller.tenant.id), next: null });
  },
});

const remove = route({
  id: 'removeSecret',
  method: 'DELETE',
  path: '/v1/secrets/{name}',
  access: 'admin',
  tag,
  summary: 'Remove a secret',
  params,
  answers: { 204: { description: 'The secret is removed' } },
  errors: ['not-found'],
  async handle({ caller, params: { name } }, ports) {
    await removeSecret(ports, caller.tenant.id, name);
    return { status: 204 };
  },
});

export const secretRoutes = [put, list, remove];
