// The tool node: calls an action of a plugin, with the credentials of the tenant or of the user.

import * as z from 'zod';
import { ApiError } from '../../errors.ts';
import { evaluateDeep } from '../../expressions/evaluate.ts';
import { anyValue, ID } from '../../flow/fields.ts';
import { validateInputs } from '../../flow/inputs.ts';
import type { Json, JsonObject } from '../../json.ts';
import { suggest } from '../../parse/suggest.ts';
import { sendRequest } from '../http/call.ts';
import { requestSchema } from '../http/request.ts';
import { asWritten, readInput } from '../node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import type { PluginAction } from './plugin.ts';

const name = z.string().regex(ID, 'is not a valid id');
// They decide which credentials are used, so data must not choose them.
const LITERAL = { plugin: name, action: name, auth: z.enum(['platform', 'user']).optional() };
const FIELDS = { ...LITERAL, args: z.record(z.string(), anyValue).optional() };
const evaluated = z.strictObject(FIELDS);

interface ToolWith extends JsonObject {
  plugin: string;
}

/** Checks the arguments against the action's inputs. Failures name the field of `args`. */
async function checkArgs({ input = {} }: PluginAction, args: unknown): Promise<JsonObject | Outcome> {
  const { toInputSpec } = await import('../../flow/input-specs.ts');
  const specs = Object.fromEntries(Object.entries(input).map(([key, fields]) => [key, toInputSpec(fields)]));
  try {
    return await validateInputs(specs, args);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const details = error.details?.map(({ field, ...rest }) => ({
      field: field?.replace('inputs', 'args') ?? '',
      ...rest,
    }));
    const listed = details?.map(({ field, message }) => `${field} ${message}`).join('; ');
    return failed('node-failed', listed ?? error.message, { details });
  }
}

const isOutcome = (value: JsonObject | Outcome): value is Outcome => 'kind' in value && value.kind === 'failed';

async function callAction(
  context: NodeContext,
  action: PluginAction,
  asked: { args: JsonObject; credentials: JsonObject },
) {
  const { input, output, title, description, ...request } = action;
  const run = context.bindings['run'] ?? null;
  const read = readInput(requestSchema, (await evaluateDeep(request as Json, { ...asked, run })) as JsonObject);
  if ('refused' in read) return read.refused;
  const { credentials } = asked as { credentials: Record<string, string> };
  const guarded = { ...context, secrets: { ...context.secrets, ...credentials } };
  const outcome = await sendRequest(guarded, read.input, { parse: 'auto', timeoutMs: context.timeoutMs });
  if (outcome.kind !== 'done') return outcome;
  const result = outcome.result as JsonObject;
  if (output === undefined) return done(result['body'] ?? null);
  return done(await evaluateDeep(output, { args: asked.args, result, run }));
}

export const TOOL: NodeKind<ToolWith> = {
  type: 'tool',
  summary: "Calls an action of a plugin. Gives the action's output: the body of the answer, unless it defines one.",
  fields: {
    plugin: 'A plugin that the flow declares',
    action: 'One of its actions',
    auth: 'Whose credentials: those of the platform or of the user',
    args: 'What the action is called with',
  },
  with: asWritten(FIELDS, LITERAL),
  defaultTimeoutMs: 30_000,
  secretFields: ['args'],
  pluginName: ({ plugin }) => plugin,

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { plugin, action, auth, args = {} } = read.input;
    const { actions, credentials } = await context.plugin(plugin, auth);
    const found = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (!found) {
      const known = Object.keys(actions);
      return failed('node-failed', `Plugin '${plugin}' has no action '${action}'${suggest(action, known)}`);
    }
    const values = await checkArgs(found, args);
    return isOutcome(values) ? values : callAction(context, found, { args: values, credentials });
  },
};
