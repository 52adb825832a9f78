// Plugins of the tenant, for the `tool` nodes of its flows: put, read, list, remove. Credentials are never read back.

import * as z from 'zod';
import { listPlugins, putPlugin, readPlugin, removePlugin } from '../../../catalog/plugins.ts';
import { ID } from '../../../flow/fields.ts';
import { credentialsSchema, pluginSchema } from '../../../nodes/tool/plugin.ts';
import { json, route } from '../../dialect.ts';
import { time } from '../render.ts';

const tag = 'Plugins';
const params = z.object({
  id: z.string().regex(ID, 'is not a valid id: use at most 64 letters, digits and _, and do not begin with a digit'),
});
const pluginView = pluginSchema
  .extend({
    id: z.string(),
    updatedAt: time,
    configured: z.boolean().meta({ description: "False while `auth: 'platform'` lacks its credentials" }),
  })
  .meta({ id: 'Plugin' });

const example = {
  title: 'Jira',
  auth: 'user',
  fields: ['token'],
  actions: {
    create_issue: {
      method: 'POST',
      url: 'https://jira.example.com/rest/api/3/issue',
      headers: { authorization: 'Bearer ${{ $credentials.token }}' },
      body: { fields: { summary: '${{ $args.summary }}' } },
      input: { summary: { type: 'string', required: true } },
      output: { key: '${{ $result.body.key }}' },
    },
  },
};

const shared = { access: 'admin', tag, params } as const;

export const pluginRoutes = [
  route({
    ...shared,
    id: 'putPlugin',
    method: 'PUT',
    path: '/v1/plugins/{id}',
    summary: 'Describe a plugin',
    description:
      'Texts of an action are in the expression language: `$args` are the arguments of the tool node, `$credentials` those of the tenant (`auth: platform`, put here) or of the user (`auth: user`, sent with each run), and `$result` in `output` is {status, headers, body}. Without `credentials` the previous ones stay; where an action calls another server than before, they must be given again.',
    body: {
      kind: 'json',
      schema: pluginSchema.extend({ credentials: credentialsSchema.optional() }),
      examples: { jira: example },
    },
    answers: { 200: { description: 'The plugin', schema: pluginView } },
    errors: [],
    async handle({ body: { credentials, ...plugin }, caller, params: { id } }, ports) {
      return json(200, await putPlugin(ports, caller.tenant.id, { id, plugin, credentials }));
    },
  }),
  route({
    ...shared,
    id: 'readPlugin',
    method: 'GET',
    path: '/v1/plugins/{id}',
    summary: 'Read a plugin',
    answers: { 200: { description: 'The plugin', schema: pluginView } },
    errors: ['not-found'],
    async handle({ caller, params: { id } }, ports) {
      return json(200, await readPlugin(ports, caller.tenant.id, id));
    },
  }),
  route({
    id: 'listPlugins',
    method: 'GET',
    path: '/v1/plugins',
    access: 'admin',
    tag,
    summary: 'List plugins',
    answers: { 200: { description: 'All of them', schema: z.object({ items: z.array(pluginView), next: z.null() }) } },
    errors: [],
    async handle({ caller }, ports) {
      return json(200, { items: await listPlugins(ports, caller.tenant.id), next: null });
    },
  }),
  route({
    ...shared,
    id: 'removePlugin',
    method: 'DELETE',
    path: '/v1/plugins/{id}',
    summary: 'Remove a plugin',
    answers: { 204: { description: 'The plugin is removed' } },
    errors: ['not-found'],
    async handle({ caller, params: { id } }, ports) {
      await removePlugin(ports, caller.tenant.id, id);
      return { status: 204 };
    },
  }),
];
