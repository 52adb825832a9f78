// The extract node: a language model takes the fields of a schema out of a text.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { LLM_TIMEOUT_SECONDS } from '../limits.ts';
import type { ModelMessage } from '../ports/models.ts';
import { listModels, withModel } from './llm/ask.ts';
import { askForData } from './llm/structured-output.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, failed, type NodeKind, type Outcome } from './node-kind.ts';

const FIELDS = { model: z.string().max(256), input: z.string(), instruction: z.string().optional() };
const schema = z.record(z.string(), anyValue);
const evaluated = z.strictObject({ ...FIELDS, schema });

export const EXTRACT: NodeKind = {
  type: 'extract',
  summary: 'Has a language model take data out of a text. Gives the object that fits the schema.',
  fields: {
    model: 'An alias of the flow, or provider/model',
    input: 'The text to read',
    instruction: 'More instructions for the model',
    schema: 'JSON Schema of the object that the node gives',
  },
  with: asWritten({ ...FIELDS, schema }, { schema }),
  defaultTimeoutMs: LLM_TIMEOUT_SECONDS * 1_000,
  uses: listModels,

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { model, input: text, instruction } = read.input;
    const task = ['Take the data out of the text. What it does not say is left out or null.', instruction];
    const messages: ModelMessage[] = [
      { role: 'system', content: task.filter((line) => line !== undefined).join('\n') },
      { role: 'user', content: text },
    ];
    return withModel(context, model, async (asking): Promise<Outcome> => {
      const answer = await askForData(asking, { messages, schema: read.input.schema as JsonObject, temperature: 0 });
      const usage = asking.usage();
      if ('data' in answer) return done(answer.data, { usage });
      return failed('node-failed', `The model's answer ${answer.problems.join('; ')}`, { retryable: true, usage });
    });
  },
};
