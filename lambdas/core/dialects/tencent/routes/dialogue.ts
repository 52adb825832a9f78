// The synchronous call: a dialogue with an application, told as server-sent events. While a run of the session asks
// something, the next call answers it. https://cloud.tencent.com/document/product/1759/105561

import * as z from 'zod';
import { boundFlow } from '../../../access/keys.ts';
import { streamOn, streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { submit } from '../../../api/submit.ts';
import type { ApiError, ErrorCode } from '../../../errors.ts';
import type { Ports } from '../../../ports/ports.ts';
import { answerQuestion } from '../../conversation.ts';
import { type ApiRequest, type Call, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { DIALOGUE_PATH } from '../authenticate.ts';
import { errorEvent, renderEvents } from '../events.ts';
import { readOffers } from '../input.ts';

const SESSION = /^[A-Za-z0-9_-]{2,64}$/;

const body = z.object({
  content: z.string().min(1).max(6_000),
  session_id: z.string().regex(SESSION, 'must be 2 to 64 letters, digits, - and _'),
  bot_app_key: z.string().max(128),
  visitor_biz_id: z.string().min(1).max(64),
  request_id: z.string().max(255).nullish(),
  custom_variables: z.record(z.string(), z.string()).nullish(),
  /** Whether `content` of a reply is what is new, instead of all so far. */
  incremental: z.boolean().nullish(),
  stream: z.enum(['enable', 'disable', '']).nullish(),
  streaming_throttle: z.number().nullish(),
  workflow_status: z.enum(['enable', 'disable', '']).nullish(),
});

/** Its clients read events, so a refusal is one, and the status is 200. */
export function refusedDialogue(error: ApiError, { id, body: sent }: Pick<ApiRequest, 'id' | 'body'>): Reply {
  const event = errorEvent({
    code: CODES[error.code] ?? SERVER_BUSY,
    message: error.message,
    requestId: requestIdIn(sent) ?? id,
  });
  return { status: 200, body: { text: event, type: 'text/event-stream' } };
}

const INVALID = 400;
const NO_APPLICATION = 460_004;
const TOO_MANY = 460_031;
const NOT_PUBLISHED = 460_021;
const SERVER_BUSY = 460_037;
const CODES: Partial<Record<ErrorCode, number>> = {
  'invalid-request': INVALID,
  'invalid-inputs': INVALID,
  'payload-too-large': INVALID,
  'sync-unsupported': INVALID,
  unauthenticated: NO_APPLICATION,
  forbidden: NO_APPLICATION,
  'flow-not-found': NO_APPLICATION,
  'flow-not-published': NOT_PUBLISHED,
  'flow-disabled': NOT_PUBLISHED,
  'tenant-over-limit': TOO_MANY,
  'rate-limited': TOO_MANY,
};

function requestIdIn(sent: Uint8Array): string | undefined {
  const [, id] = /"request_id"\s*:\s*"([\w-]{1,255})"/.exec(new TextDecoder().decode(sent.subarray(0, 8_192))) ?? [];
  return id;
}

async function talk(
  { body: said, caller, request }: Call<unknown, unknown, z.output<typeof body>>,
  ports: Ports,
): Promise<Reply> {
  const flow = boundFlow(caller);
  const { receivedAt } = request;
  const told = {
    asked: said.content,
    requestId: said.request_id ?? request.id,
    sessionId: said.session_id,
    isIncremental: said.incremental ?? false,
    tellsProgress: said.stream !== 'disable',
  };
  const going = await answerQuestion(ports, caller, { flow, conversation: said.session_id, answer: said.content });
  if (going) {
    const items = streamOn(ports, { runId: going.run.id, after: going.after, receivedAt });
    return { status: 200, body: eventStream(renderEvents(ports, { told, run: going.run }, items)) };
  }
  const { run, replayed } = await submit(ports, caller, {
    flow,
    inputs: {},
    offers: readOffers(said.content, said.custom_variables ?? {}),
    mode: 'stream',
    dialect: 'tencent',
    user: said.visitor_biz_id,
    conversation: said.session_id,
  });
  const { items, pending } = streamRun(ports, { run, replayed, receivedAt });
  return { status: 200, body: eventStream(renderEvents(ports, { told, run }, items)), pending };
}

export const dialogueRoute = route({
  id: 'tencentDialogue',
  method: 'POST',
  path: DIALOGUE_PATH,
  access: 'run',
  tag: 'Tencent Cloud',
  summary: 'Talk to the application of a key',
  body: { kind: 'json', schema: body },
  answers: { 200: { description: 'Events: reply, token_stat, error', mediaType: 'text/event-stream' } },
  errors: [],
  handle: talk,
});
