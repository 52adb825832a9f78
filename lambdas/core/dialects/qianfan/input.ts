// The `parameters` of a call: `_sys_*` belong to Qianfan's start node, everything else is an input of the flow.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import type { Submission } from '../../api/submit.ts';
import type { Offer } from '../../flow/inputs.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json, JsonObject } from '../../json.ts';
import { stableUuid } from '../stable-uuid.ts';

export const parametersSchema = z.looseObject({
  _sys_origin_query: z.string().nullish(),
  _sys_file_urls: z.record(z.string(), z.string()).nullish(),
  _sys_conversation_id: z.string().max(256).nullish(),
  _sys_end_user_id: z.string().max(256).nullish(),
  _sys_chat_history: z.array(z.looseObject({ role: z.string(), content: z.string() })).nullish(),
});
type Parameters = z.output<typeof parametersSchema>;

/** A `files` input wants a list; an object input gets the map as it is. */
const filesFor =
  (urls: Record<string, string>) =>
  ({ type }: InputSpec): Json => {
    const files = Object.entries(urls).map(([name, url]) => ({ url, name }));
    if (type === 'file') return files[0] ?? null;
    return type === 'files' || type === 'array' ? files : urls;
  };

function offersOf(given: Parameters): Offer[] {
  const offers: { names: string[]; value: Offer['value'] | null | undefined }[] = [
    { names: ['_sys_origin_query', 'rawQuery', 'query'], value: given._sys_origin_query },
    { names: ['_sys_file_urls', 'fileUrls', 'files'], value: given._sys_file_urls && filesFor(given._sys_file_urls) },
    { names: ['_sys_conversation_id', 'conversation_id'], value: given._sys_conversation_id },
    { names: ['_sys_end_user_id', 'end_user_id'], value: given._sys_end_user_id },
    { names: ['_sys_chat_history', 'chatHistory'], value: given._sys_chat_history as Json | undefined },
  ];
  return offers.flatMap(({ names, value }) => (value === null || value === undefined ? [] : [{ names, value }]));
}

/** What every answer about the run repeats. */
export function readSubmission(
  caller: Caller,
  given: Parameters,
  requestId: string,
): Pick<Submission, 'inputs' | 'offers' | 'echo' | 'user'> {
  const inputs = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('_sys_')));
  const user = given._sys_end_user_id || undefined;
  return {
    inputs: inputs as JsonObject,
    offers: offersOf(given),
    user,
    echo: {
      conversation_id: given._sys_conversation_id || stableUuid('qianfan conversation', requestId),
      user_id: stableUuid('qianfan developer', caller.tenant.id),
    },
  };
}
