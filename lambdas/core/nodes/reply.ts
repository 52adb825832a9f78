// The reply node: sends a message to the end user while the run continues.

import * as z from 'zod';
import { asWritten, readInput } from './node-input.ts';
import { done, type NodeKind } from './node-kind.ts';

const FIELDS = { message: z.string() };
const evaluated = z.strictObject(FIELDS);

export const REPLY: NodeKind = {
  type: 'reply',
  summary: 'Sends a message to the end user while the run continues. Gives {text}.',
  fields: {
    message: 'What the end user reads',
  },
  with: asWritten(FIELDS),
  defaultTimeoutMs: 5_000,
  interactive: true,
  blocks: () => ({ async: 'replies to the end user' }),
  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    context.say(read.input.message);
    return done({ text: read.input.message });
  },
};
