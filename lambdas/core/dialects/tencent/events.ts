// The events of a dialogue: what the caller said, the replies as they are written, and the tokens that they used.

import type { StreamItem } from '../../api/event-stream.ts';
import type { JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run } from '../../run.ts';
import { renderOutputText } from '../output-text.ts';
import { PING, type Separator, type SseEvent, withErrorEvents } from '../sse.ts';
import { stableUuid } from '../stable-uuid.ts';

/** The only paths with events as their response. The vendor's console debugs the draft at the second. */
export const DIALOGUE_PATH = '/v1/qbot/chat/sse';
export const DEBUG_PATH = '/v1/qbot/chat/experienceSse';
export const isDialogue = ({ path }: { path: string }): boolean => path === DIALOGUE_PATH || path === DEBUG_PATH;
/** As the vendor writes them. */
export const SEPARATOR: Separator = ':';

/** The run that a stream is about, and the request. */
export interface RunContext {
  run: Run;
  /** What the caller said. */
  query: string;
  requestId: string;
  sessionId: string;
  isIncremental: boolean;
  /** Whether replies are sent before they are complete. */
  hasPartialReplies: boolean;
}

// https://cloud.tencent.com/document/product/1759/105561 (reply_method: while the flow runs, and its answer)
const PARTIAL = 9;
const ANSWER = 10;
const RUN_FAILED = 460_020;
export const SERVER_BUSY = 460_037;

const makeEvent = (type: string, fields: object): SseEvent => ({ event: type, data: { type, ...fields } });

export function renderErrorEvent(error: { code: number; message: string; requestId: string }): SseEvent {
  const { code, message, requestId } = error;
  return makeEvent('error', { request_id: requestId, error: { code, message } });
}

interface Reply {
  content: string;
  isFinal: boolean;
  at: number;
  cards?: string[];
}

interface Dialogue {
  context: RunContext;
  /** Of this reply and of the query that it replies to. */
  recordId: string;
  queryId: string;
  traceId: string;
  name: string;
}

function renderReply({ context, ...ids }: Dialogue, { content, isFinal, at, cards = [] }: Reply): SseEvent {
  const payload = {
    ...renderPayload({ context, ...ids }, { content, at, isFromSelf: false }),
    record_id: ids.recordId,
    related_record_id: ids.queryId,
    is_final: isFinal,
    is_llm_generated: true,
    reply_method: isFinal ? ANSWER : PARTIAL,
    option_cards: cards,
    work_flow: { workflow_name: ids.name, workflow_run_id: ids.traceId },
  };
  return makeEvent('reply', { payload, message_id: ids.recordId });
}

/** The first event repeats what the caller said. */
function renderQuery({ context, ...ids }: Dialogue, at: number): SseEvent {
  const payload = {
    ...renderPayload({ context, ...ids }, { content: context.query, at, isFromSelf: true }),
    record_id: ids.queryId,
    related_record_id: '',
    is_final: true,
    is_llm_generated: false,
  };
  return makeEvent('reply', { payload, message_id: ids.queryId });
}

function renderPayload({ context, traceId }: Dialogue, it: { content: string; at: number; isFromSelf: boolean }) {
  return {
    request_id: context.requestId,
    session_id: context.sessionId,
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

function renderTokens(
  { context, recordId, traceId }: Dialogue,
  { usage, status, startedAt, createdAt, endedAt }: Run,
  at: number,
): SseEvent {
  const payload = {
    session_id: context.sessionId,
    request_id: context.requestId,
    record_id: recordId,
    trace_id: traceId,
    token_count: usage.totalTokens,
    status_summary: status === 'failed' || status === 'canceled' ? 'failed' : 'success',
    elapsed: (endedAt ?? at) - (startedAt ?? createdAt),
    procedures: [],
  };
  return makeEvent('token_stat', { payload });
}

interface Progress {
  /** The text of this reply so far. */
  text: string;
  cards: string[];
}

export function renderEvents(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  const { run, requestId } = context;
  const message = 'The stream broke off; the run continues';
  const renderError = () => [renderErrorEvent({ code: SERVER_BUSY, message, requestId })];
  return withErrorEvents(ports, { run, events: writeItems(ports, context, items), renderError });
}

async function* writeItems(
  ports: Ports,
  context: RunContext,
  items: AsyncIterable<StreamItem>,
): AsyncGenerator<SseEvent> {
  const { run, requestId } = context;
  const makeId = (purpose: string) => stableUuid('tencent dialogue', `${run.id}/${requestId}/${purpose}`);
  const dialogue = { context, recordId: makeId('reply'), queryId: makeId('asked'), traceId: run.id, name: run.flow };
  const progress: Progress = { text: '', cards: [] };
  yield renderQuery(dialogue, ports.clock.now());
  for await (const item of items) {
    if (item.type === 'run.finished') yield* renderFinished(ports, dialogue, { run: item.run, text: progress.text });
    else yield* renderItem(dialogue, progress, { item, at: ports.clock.now() });
  }
}

function renderItem(
  dialogue: Dialogue,
  progress: Progress,
  { item, at }: { item: StreamItem; at: number },
): SseEvent[] {
  switch (item.type) {
    case 'ping':
      return [PING.comment];
    case 'node.delta': {
      progress.text += item.text;
      const content = dialogue.context.isIncremental ? item.text : progress.text;
      return dialogue.context.hasPartialReplies ? [renderReply(dialogue, { content, isFinal: false, at })] : [];
    }
    case 'node.waiting': {
      const { message, options } = readQuestion(item.wait.prompt);
      progress.text = progress.text === '' ? message : `${progress.text}\n${message}`;
      progress.cards = options;
      return [];
    }
    case 'run.waiting': {
      if (item.run.waitingFor === 'timer') return [];
      const { text: content, cards } = progress;
      return [renderReply(dialogue, { content, isFinal: true, at, cards }), renderTokens(dialogue, item.run, at)];
    }
    default:
      return [];
  }
}

function readQuestion(prompt: JsonObject | undefined): { message: string; options: string[] } {
  const { message = '', options = [] } = prompt ?? {};
  return { message: String(message), options: Array.isArray(options) ? options.map(String) : [] };
}

async function* renderFinished(
  ports: Ports,
  dialogue: Dialogue,
  { run, text }: { run: Run; text: string },
): AsyncGenerator<SseEvent> {
  const at = run.endedAt ?? ports.clock.now();
  if (run.status === 'succeeded') {
    const record = text === '' ? await ports.runs.read(run.id) : undefined;
    yield renderReply(dialogue, { content: text || renderOutputText(record?.outputs ?? null), isFinal: true, at });
  } else {
    const message = run.error?.message ?? 'The run was stopped';
    yield renderErrorEvent({ code: RUN_FAILED, message, requestId: dialogue.context.requestId });
  }
  yield renderTokens(dialogue, run, at);
}
