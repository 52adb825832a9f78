// The classify node: a language model chooses one of the classes, and the node takes its branch.

import * as z from 'zod';
import { ID } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { LLM_TIMEOUT_SECONDS } from '../limits.ts';
import type { ModelMessage } from '../ports/models.ts';
import { listModels, withModel } from './llm/ask.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, failed, type NodeKind, type Outcome } from './node-kind.ts';

// Branches that every node may have.
const TAKEN = ['error', 'timeout'];

const FIELDS = { model: z.string().max(256), input: z.string(), instruction: z.string().optional() };
const classes = z
  .record(
    z
      .string()
      .regex(ID)
      .refine((id) => !TAKEN.includes(id), { error: `must not be ${TAKEN.join(' or ')}` }),
    z.string().max(1_000),
  )
  .refine((it) => Object.keys(it).length >= 2, { error: 'needs at least two classes' })
  .refine((it) => Object.keys(it).length <= 50, { error: 'has more than 50 classes' });
const evaluated = z.strictObject({ ...FIELDS, classes });
type Classify = z.output<typeof evaluated>;

interface ClassifyWith extends JsonObject {
  classes: Record<string, string>;
}

function buildMessages({ input, classes: known, instruction }: Classify): ModelMessage[] {
  const list = Object.entries(known).map(([id, text]) => `${id}: ${text}`);
  const system = [
    'Choose the one class that fits the text. Answer with its id and nothing else.',
    instruction,
    ...list,
  ];
  return [
    { role: 'system', content: system.filter((line) => line !== undefined).join('\n') },
    { role: 'user', content: input },
  ];
}

const normalize = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_]+/gu, ' ')
    .trim();

/** Ignores quotes, case and punctuation. */
function findClass(answer: string, known: Record<string, string>): string | undefined {
  const chosen = normalize(answer);
  const ids = Object.keys(known);
  const exact = ids.find((id) => normalize(id) === chosen || normalize(known[id] ?? '') === chosen);
  if (exact !== undefined) return exact;
  const mentioned = ids.filter((id) => chosen.split(' ').includes(normalize(id)));
  return mentioned.length === 1 ? mentioned[0] : undefined;
}

export const CLASSIFY: NodeKind<ClassifyWith> = {
  type: 'classify',
  summary: 'Has a language model choose one of the classes. Gives {class, label} and takes the branch of the class.',
  fields: {
    model: 'An alias of the flow, or provider/model',
    input: 'The text to classify',
    instruction: 'More instructions for the model',
    classes: 'By id, what belongs to the class; the node takes the branch of one',
  },
  with: asWritten({ ...FIELDS, classes }, { classes }),
  defaultTimeoutMs: LLM_TIMEOUT_SECONDS * 1_000,
  uses: listModels,
  ports: (source) => Object.keys(source.classes ?? {}),

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { model, classes: known } = read.input;
    const messages = buildMessages(read.input);
    return withModel(context, model, async (asking): Promise<Outcome> => {
      const first = await asking.ask({ messages, temperature: 0 });
      let found = findClass(first.text, known);
      if (found === undefined) {
        const again = `Answer with one of: ${Object.keys(known).join(', ')}`;
        const insisted: ModelMessage[] = [
          ...messages,
          { role: 'assistant', content: first.text },
          { role: 'user', content: again },
        ];
        found = findClass((await asking.ask({ messages: insisted, temperature: 0 })).text, known);
      }
      const usage = asking.usage();
      if (found === undefined)
        return failed('node-failed', 'The model chose none of the classes', { retryable: true, usage });
      return done({ class: found, label: known[found] ?? found }, { port: found, usage });
    });
  },
};
