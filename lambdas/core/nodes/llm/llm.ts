// The llm node: asks a language model, for text or for data that fits a schema.

import * as z from 'zod';
import { anyValue } from '../../flow/fields.ts';
import { compact, type Json, type JsonObject } from '../../json.ts';
import { LLM_TIMEOUT_SECONDS, MAX_MODEL_IMAGE_BYTES, MAX_PROMPT_CHARS } from '../../limits.ts';
import { type ModelAnswer, type ModelMessage, REASONING_EFFORTS } from '../../ports/models.ts';
import { asWritten, readInput } from '../node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import { listModels, withModel } from './ask.ts';
import { askForData } from './structured-output.ts';

const file = z.union([z.string(), z.looseObject({ url: z.string() }), z.looseObject({ id: z.string() })]);

const FIELDS = {
  model: z.string().max(256),
  prompt: z.string().optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .min(1)
    .max(200)
    .optional(),
  system: z.string().optional(),
  files: z.union([file, z.array(file).max(20)]).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  maxTokens: z.int().min(1).optional(),
  stop: z.array(z.string()).max(4).optional(),
  seed: z.int().optional(),
  schema: z.record(z.string(), anyValue).optional(),
  reasoning: z.enum(REASONING_EFFORTS).optional(),
  extra: z.record(z.string(), anyValue).optional(),
};
const evaluated = z.strictObject(FIELDS);
type Llm = z.output<typeof evaluated>;

/** Providers fetch addresses themselves; they cannot fetch an upload, so its bytes are sent. */
async function readImages(context: NodeContext, { files = [] }: Llm): Promise<string[]> {
  return Promise.all(
    [files].flat().map(async (file) => {
      if (typeof file === 'string') return file;
      if ('url' in file) return String(file.url);
      const { bytes, type } = await context.files.open(file as JsonObject, MAX_MODEL_IMAGE_BYTES);
      return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
    }),
  );
}

function buildMessages({ prompt, messages = [], system }: Llm, images: string[]): ModelMessage[] {
  const asked: ModelMessage[] = prompt === undefined ? [] : [{ role: 'user', content: prompt }];
  const all: ModelMessage[] = [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    ...messages,
    ...asked,
  ];
  const last = all.at(-1);
  if (last && images.length > 0) all[all.length - 1] = { ...last, images };
  return all;
}

const buildResult = ({ text, reasoning, finishReason }: Pick<ModelAnswer, 'text' | 'reasoning' | 'finishReason'>) =>
  compact({ text, reasoning, finishReason });

const isTooLong = (messages: readonly ModelMessage[]): boolean =>
  messages.reduce((chars, { content }) => chars + content.length, 0) > MAX_PROMPT_CHARS;

export const LLM: NodeKind = {
  type: 'llm',
  summary: 'Asks a language model. Gives {text, finishReason}, and {data} where there is a schema.',
  fields: {
    model: 'An alias of the flow, or provider/model',
    prompt: 'What the model is asked',
    messages: 'A conversation, in place of prompt',
    system: 'Instructions for the model',
    files: 'Images that the model sees',
    temperature: 'How much answers vary, from 0',
    topP: 'Share of likely words to choose from, 0 to 1',
    maxTokens: 'The most tokens that the answer may have',
    stop: 'Texts at which the answer ends',
    seed: 'For answers that can be repeated, where the model supports it',
    schema: 'JSON Schema of the answer, which is then in data',
    reasoning: 'How much the model thinks before it answers',
    extra: 'More fields for the provider, as it names them',
  },
  with: asWritten(FIELDS, { schema: z.record(z.string(), anyValue).optional() }),
  defaultTimeoutMs: LLM_TIMEOUT_SECONDS * 1_000,
  uses: listModels,
  secretFields: [],

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { model, temperature, topP, maxTokens, stop, seed, reasoning, extra, schema } = read.input;
    const messages = buildMessages(read.input, await readImages(context, read.input));
    if (!messages.some(({ role }) => role === 'user'))
      return failed('node-failed', 'with needs a `prompt`, or `messages` with a user message');
    if (isTooLong(messages)) return failed('node-failed', `The prompt has more than ${MAX_PROMPT_CHARS} characters`);
    const settings = {
      temperature,
      topP,
      maxTokens,
      stop,
      seed,
      reasoning,
      ...(extra && { extra: extra as JsonObject }),
    };
    return withModel(context, model, async (asking): Promise<Outcome> => {
      if (schema === undefined) {
        const answer = await asking.ask({ messages, ...settings, ...(context.streams && { onText: context.say }) });
        return done(buildResult(answer), { usage: asking.usage() });
      }
      const answer = await askForData(asking, { messages, schema: schema as JsonObject, ...settings });
      if ('problems' in answer) {
        return failed('node-failed', `The model's answer ${answer.problems.join('; ')}`, {
          retryable: true,
          usage: asking.usage(),
        });
      }
      return done({ ...buildResult(answer), data: answer.data as Json }, { usage: asking.usage() });
    });
  },
};
