// The events of a dialogue: what the caller said, the replies as they are written, and what they cost.

import type { StreamItem } from '../../api/event-stream.ts';
import type { JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { renderOutputText } from '../output-text.ts';
import { stableUuid } from '../stable-uuid.ts';

export interface Told {
  /** What the caller said. */
  asked: string;
  requestId: string;
  sessionId: string;
  isIncremental: boolean;
  /** Whether replies are told before they are complete. */
  tellsProgress: boolean;
}

// https://cloud.tencent.com/document/product/1759/105561 (reply_method: on the way through a flow, and its answer)
const ON_THE_WAY = 9;
const ANSWER = 10;
const RUN_FAILED = 460_020;

const framed = (type: string, event: object): string => `event:${type}\ndata:${JSON.stringify({ type, ...event })}\n\n`;

export function errorEvent({ code, message, requestId }: { code: number; message: string; requestId: string }): string {
  return framed('error', { request_id: requestId, error: { code, message } });
}

interface Reply {
  content: string;
  isFinal: boolean;
  at: number;
  cards?: string[];
}

interface Dialogue {
  told: Told;
  /** Of this reply and of what it replies to. */
  recordId: string;
  askedId: string;
  traceId: string;
  name: string;
}

function replyEvent({ told, ...ids }: Dialogue, { content, isFinal, at, cards = [] }: Reply): string {
  const payload = {
    ...payloadOf({ told, ...ids }, { content, at, isFromSelf: false }),
    record_id: ids.recordId,
    related_record_id: ids.askedId,
    is_final: isFinal,
    is_llm_generated: true,
    reply_method: isFinal ? ANSWER : ON_THE_WAY,
    option_cards: cards,
    work_flow: { workflow_name: ids.name, workflow_run_id: ids.traceId },
  };
  return framed('reply', { payload, message_id: ids.recordId });
}

/** Its clients are told their own words first. */
function askedEvent({ told, ...ids }: Dialogue, at: number): string {
  const payload = {
    ...payloadOf({ told, ...ids }, { content: told.asked, at, isFromSelf: true }),
    record_id: ids.askedId,
    related_record_id: '',
    is_final: true,
    is_llm_generated: false,
  };
  return framed('reply', { payload, message_id: ids.askedId });
}

function payloadOf({ told, traceId }: Dialogue, it: { content: string; at: number; isFromSelf: boolean }) {
  return {
    request_id: told.requestId,
    session_id: told.sessionId,
    trace_id: traceId,
    content: it.content,
    is_from_self: it.isFromSelf,
    is_evil: false,
    can_rating: false,
    timestamp: Math.floor(it.at / 1_000),
    file_infos: [],
    knowledge: [],
  };
}

function tokenEvent(
  { told, recordId, traceId }: Dialogue,
  { usage, status, startedAt, createdAt, endedAt }: Run,
  at: number,
): string {
  const payload = {
    session_id: told.sessionId,
    request_id: told.requestId,
    record_id: recordId,
    trace_id: traceId,
    token_count: usage.totalTokens,
    status_summary: status === 'failed' || status === 'canceled' ? 'failed' : 'success',
    elapsed: (endedAt ?? at) - (startedAt ?? createdAt),
    procedures: [],
  };
  return framed('token_stat', { payload });
}

interface Progress {
  /** Said so far in this reply. */
  text: string;
  cards: string[];
}

export async function* renderEvents(
  ports: Ports,
  { told, run }: { told: Told; run: Run },
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<string> {
  const id = (of: string) => stableUuid('tencent dialogue', `${run.id}/${told.requestId}/${of}`);
  const dialogue = { told, recordId: id('reply'), askedId: id('asked'), traceId: run.id, name: run.flow };
  const progress: Progress = { text: '', cards: [] };
  yield askedEvent(dialogue, ports.clock.now());
  for await (const item of items) {
    if (item.type === 'run.finished') yield* ends(ports, dialogue, { run: item.run, text: progress.text });
    else yield* eventsFor(dialogue, progress, { item, at: ports.clock.now() });
  }
}

function eventsFor(dialogue: Dialogue, progress: Progress, { item, at }: { item: StreamItem; at: number }): string[] {
  switch (item.type) {
    case 'ping':
      return [': ping\n\n'];
    case 'node.delta': {
      progress.text += item.text;
      const content = dialogue.told.isIncremental ? item.text : progress.text;
      return dialogue.told.tellsProgress ? [replyEvent(dialogue, { content, isFinal: false, at })] : [];
    }
    case 'node.waiting': {
      const { message, options } = asking(item.wait.prompt);
      progress.text = progress.text === '' ? message : `${progress.text}\n${message}`;
      progress.cards = options;
      return [];
    }
    case 'run.waiting': {
      if (item.run.waitingFor === 'timer') return [];
      const { text: content, cards } = progress;
      return [replyEvent(dialogue, { content, isFinal: true, at, cards }), tokenEvent(dialogue, item.run, at)];
    }
    default:
      return [];
  }
}

function asking(prompt: JsonObject | undefined): { message: string; options: string[] } {
  const { message = '', options = [] } = prompt ?? {};
  return { message: String(message), options: Array.isArray(options) ? options.map(String) : [] };
}

async function* ends(
  ports: Ports,
  dialogue: Dialogue,
  { run, text }: { run: Run; text: string },
): AsyncGenerator<string> {
  const at = run.endedAt ?? ports.clock.now();
  if (run.status === 'succeeded') {
    const record = text === '' ? await ports.runs.read(run.id) : undefined;
    yield replyEvent(dialogue, { content: text || renderOutputText(record?.outputs ?? null), isFinal: true, at });
  } else {
    const message = run.error?.message ?? 'The run was stopped';
    yield errorEvent({ code: RUN_FAILED, message, requestId: dialogue.told.requestId });
  }
  yield tokenEvent(dialogue, run, at);
}
