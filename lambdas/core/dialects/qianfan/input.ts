// The `parameters` of a call, and the submission that they become: `_sys_*` belong to Qianfan's start node, all other names
// are inputs of the flow.

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

/** A `files` input takes a list; an object input gets the map as it is. */
const offerFiles =
  (urls: Record<string, string>) =>
  ({ type }: InputSpec): Json => {
    const files = Object.entries(urls).map(([name, url]) => ({ url, name }));
    if (type === 'file') return files[0] ?? null;
    return type === 'files' || type === 'array' ? files : urls;
  };

function readOffers(parameters: Parameters): Offer[] {
  const offers: { names: string[]; value: Offer['value'] | null | undefined }[] = [
    { names: ['_sys_origin_query', 'rawQuery', 'query'], value: parameters._sys_origin_query },
    {
      names: ['_sys_file_urls', 'fileUrls', 'files'],
      value: parameters._sys_file_urls && offerFiles(parameters._sys_file_urls),
    },
    { names: ['_sys_conversation_id', 'conversation_id'], value: parameters._sys_conversation_id },
    { names: ['_sys_end_user_id', 'end_user_id'], value: parameters._sys_end_user_id },
    { names: ['_sys_chat_history', 'chatHistory'], value: parameters._sys_chat_history as Json | undefined },
  ];
  return offers.flatMap(({ names, value }) => (value === null || value === undefined ? [] : [{ names, value }]));
}

export function readSubmission(
  caller: Caller,
  parameters: Parameters,
  requestId: string,
): Pick<Submission, 'inputs' | 'offers' | 'dialect' | 'echo' | 'user'> {
  const inputs = Object.fromEntries(Object.entries(parameters).filter(([name]) => !name.startsWith('_sys_')));
  const user = parameters._sys_end_user_id || undefined;
  return {
    inputs: inputs as JsonObject,
    offers: readOffers(parameters),
    dialect: 'qianfan',
    user,
    // Repeated by every response about the run.
    echo: {
      conversation_id: parameters._sys_conversation_id || stableUuid('qianfan conversation', requestId),
      user_id: stableUuid('qianfan developer', caller.tenant.id),
    },
  };
}
