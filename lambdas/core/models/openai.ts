// The provider `openai`: any endpoint that speaks OpenAI's chat completions, by the guarded client.
// https://platform.openai.com/docs/api-reference/chat

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import { compact, type JsonObject } from '../json.ts';
import { MAX_MODEL_ANSWER_BYTES } from '../limits.ts';
import { type HttpAnswer, type HttpClient, HttpFault } from '../ports/http.ts';
import {
  type ModelAnswer,
  ModelFault,
  type ModelMessage,
  type ModelProvider,
  type ModelRequest,
} from '../ports/models.ts';
import { makeEventReader } from './event-reader.ts';

const EXCERPT_CHARS = 300;

const usage = z.object({ prompt_tokens: z.number().catch(0), completion_tokens: z.number().catch(0) });
// OpenAI's own wire has no reasoning text. `reasoning_content` is DeepSeek's field, which others adopted; `reasoning` is
// OpenRouter's.
const replyText = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
});
const readReasoning = (it: z.output<typeof replyText> | null | undefined): string =>
  it?.reasoning_content ?? it?.reasoning ?? '';

const completion = z.object({
  choices: z.array(z.object({ message: replyText, finish_reason: z.string().nullish() })).min(1),
  usage: usage.nullish(),
});
const chunk = z.object({
  choices: z.array(z.object({ delta: replyText.nullish(), finish_reason: z.string().nullish() })).nullish(),
  usage: usage.nullish(),
});

export interface OpenAiOptions {
  baseUrl: string;
  /** Loaded on first use. */
  apiKey(): Promise<string | undefined>;
}

export function makeOpenAi(http: HttpClient, { baseUrl, apiKey }: OpenAiOptions): ModelProvider {
  const url = `${baseUrl.replace(/\/+$/, '')}/chat/completions`;
  return {
    async generate(request) {
      const key = await apiKey();
      const reader = request.onText && makeStreamReader(request.onText);
      const answer = await send(http, {
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        body: JSON.stringify(buildBody(request)),
        timeoutMs: request.timeoutMs,
        maxBytes: MAX_MODEL_ANSWER_BYTES,
        signal: request.signal,
        ...(reader && { onChunk: reader.push }),
      });
      if (answer.status !== 200) throw makeFault(answer, key);
      if (answer.truncated)
        throw new ModelFault('node-failed', `The model answered with more than ${MAX_MODEL_ANSWER_BYTES} bytes`);
      // Some endpoints answer without a stream, even if asked for one.
      const isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      return reader && isStream ? reader.end() : readWhole(answer, request);
    },
  };
}

async function send(http: HttpClient, request: Parameters<HttpClient['send']>[0]): Promise<HttpAnswer> {
  try {
    return await http.send(request);
  } catch (error) {
    if (error instanceof ApiError) throw new ModelFault('model-not-configured', error.message, { cause: error });
    if (!(error instanceof HttpFault)) throw error;
    throw new ModelFault('model-unavailable', `The model did not answer: ${error.message}`, { cause: error });
  }
}

function buildContent({ content, images }: ModelMessage): unknown {
  if (!images || images.length === 0) return content;
  return [{ type: 'text', text: content }, ...images.map((url) => ({ type: 'image_url', image_url: { url } }))];
}

function buildBody(request: ModelRequest): object {
  const { model, messages, temperature, topP, maxTokens, stop, seed, reasoning, extra, schema, onText } = request;
  return {
    ...extra,
    model,
    messages: messages.map((message) => ({ role: message.role, content: buildContent(message) })),
    // Settings that the node does not set must not hide those in `extra`.
    ...compact({ temperature, top_p: topP, max_tokens: maxTokens, stop, seed, reasoning_effort: reasoning }),
    ...(schema && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } }),
    ...(onText && { stream: true, stream_options: { include_usage: true } }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const readText = ({ body }: HttpAnswer): string => new TextDecoder().decode(body);

function readWhole(answer: HttpAnswer, { onText }: ModelRequest): ModelAnswer {
  const parsed = completion.safeParse(parseJson(readText(answer)));
  if (!parsed.success) throw new ModelFault('model-unavailable', "The model's answer cannot be parsed");
  const [choice] = parsed.data.choices;
  const text = choice?.message.content ?? '';
  if (text !== '') onText?.(text);
  const end = { finishReason: readFinishReason(choice?.finish_reason), ...countTokens(parsed.data.usage) };
  return { text, ...reasoningField(readReasoning(choice?.message)), ...end };
}

const reasoningField = (reasoning: string): { reasoning?: string } => (reasoning === '' ? {} : { reasoning });

function makeStreamReader(onText: (text: string) => void) {
  let text = '';
  let reasoning = '';
  let finish: string | null | undefined;
  let tokens = countTokens(undefined);
  const read = (data: string): void => {
    const parsed = chunk.safeParse(parseJson(data));
    if (!parsed.success) return;
    const [choice] = parsed.data.choices ?? [];
    const delta = choice?.delta?.content ?? '';
    if (delta !== '') onText(delta);
    text += delta;
    reasoning += readReasoning(choice?.delta);
    finish = choice?.finish_reason ?? finish;
    if (parsed.data.usage) tokens = countTokens(parsed.data.usage);
  };
  const events = makeEventReader(read);
  return {
    push: events.push,
    end(): ModelAnswer {
      events.end();
      // A stream without a finish reason is incomplete.
      if (finish === undefined || finish === null)
        throw new ModelFault('model-unavailable', "The model's answer ended early");
      return { text, ...reasoningField(reasoning), finishReason: readFinishReason(finish), ...tokens };
    },
  };
}

function countTokens(tokens: z.output<typeof usage> | null | undefined) {
  return { inputTokens: tokens?.prompt_tokens ?? 0, outputTokens: tokens?.completion_tokens ?? 0 };
}

function readFinishReason(reason: string | null | undefined): ModelAnswer['finishReason'] {
  if (reason === 'length') return 'length';
  if (reason === 'content_filter') return 'filtered';
  return reason === 'stop' || reason === undefined || reason === null ? 'stop' : 'other';
}

/** The message repeats what the endpoint says, without its key. */
function makeFault(answer: HttpAnswer, key: string | undefined): ModelFault {
  const failure = z.object({ error: z.object({ message: z.string() }) }).safeParse(parseJson(readText(answer)));
  const excerpt = (failure.data?.error.message ?? readText(answer)).slice(0, EXCERPT_CHARS);
  const message = `The model answered ${answer.status}: ${key ? excerpt.replaceAll(key, '***') : excerpt}`;
  if (answer.status === 429) {
    const seconds = Number((answer.headers as JsonObject)['retry-after']);
    return new ModelFault('model-quota', message, Number.isFinite(seconds) ? { retryAfterMs: seconds * 1_000 } : {});
  }
  if (answer.status === 401 || answer.status === 403) return new ModelFault('model-not-configured', message);
  return new ModelFault(answer.status >= 500 || answer.status === 408 ? 'model-unavailable' : 'node-failed', message);
}
