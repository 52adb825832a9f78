// Requests to run a workflow within a conversation, and the submissions that they become.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import type { Submission } from '../../api/submit.ts';
import { ApiError } from '../../errors.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { ApiRequest, Call } from '../dialect.ts';

export const pathId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _');
export const runParams = z.object({ project_id: pathId, workflow_id: pathId, conversation_id: pathId });
export const runQuery = z.object({ workspace_id: pathId.optional(), version: z.string().min(1).max(64).optional() });
// Huawei's console sends more fields, which have no meaning here.
export const runBody = z.object({
  inputs: z.record(z.string(), z.json()),
  plugin_configs: z
    .array(z.object({ plugin_id: z.string().nullish(), config: z.record(z.string(), z.string()).nullish() }))
    .nullish(),
});

export type RunCall = Call<z.output<typeof runParams>, z.output<typeof runQuery>, z.output<typeof runBody>>;

/** The value of a header that has two allowed values. */
export function readChoice(
  { headers }: ApiRequest,
  name: string,
  choices: readonly [string, string],
): string | undefined {
  const value = headers[name]?.trim().toLowerCase();
  if (value === undefined || choices.includes(value)) return value;
  const message = `must be ${choices.join(' or ')}`;
  throw new ApiError('invalid-request', `${name} ${message}`, { details: [{ field: name, message }] });
}

export function readSubmission({ body, caller, params, query, request }: RunCall, mode: 'sync' | 'stream'): Submission {
  const isDebug = readChoice(request, 'x-invoke-mode', ['published', 'debug']) === 'debug';
  return {
    flow: resolveFlow(caller, params.workflow_id),
    inputs: body.inputs,
    mode,
    dialect: 'huawei',
    conversation: params.conversation_id,
    ...readPlugins(body),
    ignoresOtherPlugins: true,
    ...(isDebug && { draft: true }),
    ...(query.version !== undefined && !isDebug && { version: query.version }),
  };
}

function readPlugins({ plugin_configs }: z.output<typeof runBody>): Pick<Submission, 'plugins'> {
  const plugins = (plugin_configs ?? []).flatMap(({ plugin_id, config }) =>
    plugin_id && config ? [[plugin_id, config] as const] : [],
  );
  return plugins.length > 0 ? { plugins: Object.fromEntries(plugins) } : {};
}

/** The answer to a question: the only input, or by convention `query`; otherwise all inputs as an object. */
export function readAnswer(inputs: JsonObject): Json {
  const values = Object.values(inputs);
  return inputs['query'] ?? (values.length === 1 ? (values[0] ?? null) : inputs);
}
