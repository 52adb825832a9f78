// The question node: asks the end user of a sync or stream run, which continues with the answer.

import * as z from 'zod';
import type { ErrorDetail } from '../errors.ts';
import { compact, type Json, type JsonObject } from '../json.ts';
import { fillForm, findFormProblems, formShape, listFields } from './approval/form.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, failed, type NodeKind, type Outcome } from './node-kind.ts';

const PROMPT_MS = 5_000;

const FIELDS = { message: z.string() };
const LITERAL = {
  options: z.array(z.string().min(1).max(200)).min(1).max(20).optional(),
  form: formShape.optional(),
};
const evaluated = z.strictObject({ ...FIELDS, ...LITERAL });

interface QuestionWith extends JsonObject {
  options: string[];
  form: JsonObject;
}

/** The answer itself, or `{answer}` around it. */
function readAnswer(payload: Json): Json {
  const wrapped = z.strictObject({ answer: z.json() }).safeParse(payload);
  return wrapped.success ? (wrapped.data.answer as Json) : payload;
}

export const QUESTION: NodeKind<QuestionWith> = {
  type: 'question',
  summary: 'Asks the end user and goes on with the answer, which is what it gives.',
  fields: {
    message: 'What the end user is asked',
    options: 'The answers to choose from',
    form: 'Fields that the answer fills in',
  },
  with: asWritten({ ...FIELDS, ...LITERAL }, LITERAL),
  defaultTimeoutMs: PROMPT_MS,
  waits: () => true,
  interactive: true,
  blocks: () => ({ async: 'asks the end user a question' }),

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { message, options, form } = read.input;
    const fields = form && listFields(form as Json);
    const prompt = compact({ message, options, form: fields, url: context.callbackUrl() });
    return { kind: 'wait', wait: { kind: 'question', until: context.now() + context.timeoutMs, prompt } };
  },

  async refuses({ options, form }, payload): Promise<ErrorDetail[]> {
    const answer = readAnswer(payload);
    if (form !== undefined) return findFormProblems(form, answer);
    if (options !== undefined && !options.includes(answer as string)) {
      return [{ field: 'answer', message: `must be one of ${options.join(', ')}` }];
    }
    return [];
  },

  async resume(_, { form }, resumption): Promise<Outcome> {
    if (resumption.by === 'timer') return failed('node-timed-out', 'Nobody answered in time');
    const answer = readAnswer(resumption.signal.payload);
    return done(form === undefined ? answer : fillForm(form, answer));
  },
};
