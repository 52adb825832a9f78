// The synchronous call: a dialogue with an application, as server-sent events. While a run of the session waits at a
// question, the next call answers it. https://cloud.tencent.com/document/product/1759/105561

import type * as z from 'zod';
import { boundFlow } from '../../../access/keys.ts';
import { streamOn, streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { submit } from '../../../api/submit.ts';
import type { Ports } from '../../../ports/ports.ts';
import { answerQuestion } from '../../conversation.ts';
import { type Call, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { DEBUG_PATH, DIALOGUE_PATH, renderEvents, SEPARATOR } from '../events.ts';
import { dialogueBody, readConversation, readDialogueSubmission } from '../input.ts';

type DialogueCall = Call<unknown, unknown, z.output<typeof dialogueBody>>;

async function converse({ body, caller, request }: DialogueCall, ports: Ports, isDebug: boolean): Promise<Reply> {
  const flow = boundFlow(caller);
  const { receivedAt } = request;
  const dialogue = {
    query: body.content,
    requestId: body.request_id ?? request.id,
    sessionId: body.session_id,
    isIncremental: body.incremental ?? false,
    hasPartialReplies: body.stream !== 'disable',
  };
  const conversation = readConversation(body, isDebug);
  const continued = await answerQuestion(ports, caller, { flow, conversation, answer: body.content });
  if (continued) {
    const items = streamOn(ports, { runId: continued.run.id, after: continued.after, receivedAt });
    return {
      status: 200,
      body: eventStream(renderEvents(ports, { ...dialogue, run: continued.run }, items), SEPARATOR),
    };
  }
  const { run, replayed } = await submit(ports, caller, readDialogueSubmission(flow, body, isDebug));
  const { items, pending } = streamRun(ports, { run, replayed, receivedAt });
  return { status: 200, body: eventStream(renderEvents(ports, { ...dialogue, run }, items), SEPARATOR), pending };
}

const shared = {
  method: 'POST',
  access: 'run',
  tag: 'Tencent Cloud',
  body: { kind: 'json', schema: dialogueBody },
  answers: { 200: { description: 'Events: reply, token_stat, error', mediaType: 'text/event-stream' } },
  errors: [],
} as const;

export const dialogueRoutes = [
  route({
    ...shared,
    id: 'tencentDialogue',
    path: DIALOGUE_PATH,
    summary: 'Talk to the application of a key',
    handle: (call, ports) => converse(call, ports, false),
  }),
  route({
    ...shared,
    id: 'tencentDebugDialogue',
    path: DEBUG_PATH,
    summary: 'Talk to the draft of the application of a key',
    handle: (call, ports) => converse(call, ports, true),
  }),
];
