// What a plugin is: HTTP calls of another service that an administrator describes once; flows then name an action and its
// arguments. `auth` says who has the credentials; plugin-check.ts checks a definition.

import * as z from 'zod';
import { anyValue, ID, ID_RULE } from '../../flow/fields.ts';
import { inputShape } from '../../flow/shapes.ts';
import type { Json } from '../../json.ts';
import { MAX_FIELDS, MAX_PLUGIN_CREDENTIAL_CHARS } from '../../limits.ts';
import { type REQUEST_FIELDS, writtenRequest } from '../http/request.ts';

export const MAX_PLUGIN_ACTIONS = 50;
const id = z.string().regex(ID, ID_RULE);

/** `platform`: the tenant's credentials, stored encrypted; `user`: they come with each run; `none`: it needs none. */
export const PLUGIN_AUTHS = ['platform', 'user', 'none'] as const;

const title = z.string().max(200).optional();
const description = z.string().max(4_000).optional();

/** Strings are in the expression language, with `$args`, `$credentials` and `$run`; `output` sees `$result` instead. */
const own = {
  title,
  description,
  input: z.record(id, inputShape).optional(),
  output: anyValue.optional(),
};
const action = writtenRequest.omit({ auth: true }).extend(own);

export const pluginSchema = z.strictObject({
  title,
  description,
  auth: z.enum(PLUGIN_AUTHS),
  fields: z.array(id).max(16).optional(),
  actions: z
    .record(id, action)
    .refine((it) => Object.keys(it).length > 0, 'needs at least one action')
    .refine((it) => Object.keys(it).length <= MAX_PLUGIN_ACTIONS, `has at most ${MAX_PLUGIN_ACTIONS} actions`),
});

export const credentialsSchema = z
  .record(id, z.string().min(1).max(MAX_PLUGIN_CREDENTIAL_CHARS))
  .refine((it) => Object.keys(it).length <= MAX_FIELDS, `has at most ${MAX_FIELDS} fields`);

export type PluginAuth = (typeof PLUGIN_AUTHS)[number];
/** Beside these the fields of a request, as an author writes them. */
export type PluginAction = z.output<z.ZodObject<typeof own>> & { [field in keyof typeof REQUEST_FIELDS]?: Json };
export type PluginDefinition = Omit<z.output<typeof pluginSchema>, 'actions'> & {
  actions: Record<string, PluginAction>;
};
