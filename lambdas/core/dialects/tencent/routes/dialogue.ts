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
import { DIALOGUE_PATH, renderEvents, SEPARATOR } from '../events.ts';
import { dialogueBody, readDialogueSubmission } from '../input.ts';

async function converse(
  { body, caller, request }: Call<unknown, unknown, z.output<typeof dialogueBody>>,
  ports: Ports,
): Promise<Reply> {
  const flow = boundFlow(caller);
  const { receivedAt } = request;
  const dialogue = {
    query: body.content,
    requestId: body.request_id ?? request.id,
    sessionId: body.session_id,
    isIncremental: body.incremental ?? false,
    hasPartialReplies: body.stream !== 'disable',
  };
  const continued = await answerQuestion(ports, caller, { flow, conversation: body.session_id, answer: body.content });
  if (continued) {
    const items = streamOn(ports, { runId: continued.run.id, after: continued.after, receivedAt });
    return {
      status: 200,
      body: eventStream(renderEvents(ports, { ...dialogue, run: continued.run }, items), SEPARATOR),
    };
  }
  const { run, replayed } = await submit(ports, caller, readDialogueSubmission(flow, body));
  const { items, pending } = streamRun(ports, { run, replayed, receivedAt });
  return { status: 200, body: eventStream(renderEvents(ports, { ...dialogue, run }, items), SEPARATOR), pending };
}

export const dialogueRoute = route({
  id: 'tencentDialogue',
  method: 'POST',
  path: DIALOGUE_PATH,
  access: 'run',
  tag: 'Tencent Cloud',
  summary: 'Talk to the application of a key',
  body: { kind: 'json', schema: dialogueBody },
  answers: { 200: { description: 'Events: reply, token_stat, error', mediaType: 'text/event-stream' } },
  errors: [],
  handle: converse,
});
