// Requests that start a run, and the submissions that they become: the action CreateWorkflowRun, and the text of a user in a
// dialogue. Both have a query and custom variables, which become values for the inputs of the flow.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { tencentAppBizId, tencentSecretIdIn } from '../../access/key-forms.ts';
import { boundFlow, resolveFlow } from '../../access/keys.ts';
import type { Submission } from '../../api/submit.ts';
import type { Offer } from '../../flow/inputs.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json } from '../../json.ts';
import type { ApiRequest } from '../dialect.ts';
import { readSecretId } from './authenticate.ts';
import { makeEcho, QUERY_NAMES, type RunRequest } from './request.ts';

export const AppBizId = z.string().min(1).max(64);
export const RunEnv = z.union([z.literal(0), z.literal(1)]);

export const createRunSchema = z.object({
  AppBizId,
  RunEnv: RunEnv.optional(),
  Query: z.string().nullish(),
  CustomVariables: z.array(z.object({ Name: z.string().min(1), Value: z.string() })).nullish(),
  VisitorId: z.string().max(256).nullish(),
});

const SESSION = /^[A-Za-z0-9_-]{2,64}$/;

export const dialogueBody = z.object({
  content: z.string().min(1).max(6_000),
  session_id: z.string().regex(SESSION, 'must be 2 to 64 letters, digits, - and _'),
  bot_app_key: z.string().max(128),
  visitor_biz_id: z.string().min(1).max(64),
  request_id: z.string().max(255).nullish(),
  custom_variables: z.record(z.string(), z.string()).nullish(),
  /** Whether `content` of a reply is only the new text, or all the text so far. */
  incremental: z.boolean().nullish(),
  stream: z.enum(['enable', 'disable', '']).nullish(),
  streaming_throttle: z.number().nullish(),
  workflow_status: z.enum(['enable', 'disable', '']).nullish(),
});

/** The flow of an application: its number is the one issued with the key, one that the key maps, or the name of a flow. */
export function resolveApplication(caller: Caller, request: ApiRequest, appBizId: string): string {
  if (appBizId === tencentAppBizId(readSecretId(request)) && !caller.key.ids?.[appBizId]) return boundFlow(caller);
  return resolveFlow(caller, appBizId);
}

export function readSubmission(
  caller: Caller,
  request: ApiRequest,
  { AppBizId: appBizId, CustomVariables, Query, RunEnv: env, VisitorId }: z.output<typeof createRunSchema>,
): Submission {
  const asked = { Query: Query ?? '', CustomVariables: CustomVariables ?? [] };
  return {
    flow: resolveApplication(caller, request, appBizId),
    inputs: {},
    offers: readOffers(asked),
    mode: 'async',
    dialect: 'tencent',
    echo: makeEcho(appBizId, asked),
    ...(env === 0 && { draft: true }),
    ...(VisitorId && { user: VisitorId }),
  };
}

type DialogueBody = z.output<typeof dialogueBody>;

/** Dialogues with the draft are apart from those with the published version. */
export const readConversation = ({ session_id }: DialogueBody, isDebug: boolean): string =>
  isDebug ? `debug ${session_id}` : session_id;

export function readDialogueSubmission(flow: string, body: DialogueBody, isDebug: boolean): Submission {
  const variables = Object.entries(body.custom_variables ?? {}).map(([Name, Value]) => ({ Name, Value }));
  const asked = { Query: body.content, CustomVariables: variables };
  return {
    flow,
    inputs: {},
    offers: readOffers(asked),
    mode: 'stream',
    dialect: 'tencent',
    user: body.visitor_biz_id,
    conversation: readConversation(body, isDebug),
    echo: makeEcho(tencentAppBizId(tencentSecretIdIn(body.bot_app_key)), asked),
    ...(isDebug && { draft: true }),
  };
}

/** Variables are strings; those for inputs of other types hold JSON. */
const offerVariable =
  (text: string) =>
  ({ type }: InputSpec): Json => {
    if (type === 'string' || type === 'text' || type === 'enum') return text;
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  };

function readOffers({ Query, CustomVariables }: RunRequest): Offer[] {
  const offers = new Map(
    CustomVariables.map(({ Name, Value }): [string, Offer] => [
      Name,
      { names: [Name], value: offerVariable(Value), isNeeded: true },
    ]),
  );
  return [...offers.values(), ...(Query === '' ? [] : [{ names: QUERY_NAMES, value: Query }])];
}
