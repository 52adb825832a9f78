// The fail node: fails with the author's message and code.

import * as z from 'zod';
import { asWritten, readInput } from './node-input.ts';
import { failed, type NodeKind } from './node-kind.ts';

const FIELDS = {
  message: z.string().min(1).max(1_000),
  code: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
    .optional(),
};
const evaluated = z.strictObject(FIELDS);

export const FAIL: NodeKind = {
  type: 'fail',
  summary: 'Fails with a message and a code of your own. Never retried.',
  fields: {
    message: 'Why the run fails, for people',
    code: 'Why it fails, for programs; a code of your own',
  },
  with: asWritten(FIELDS),
  defaultTimeoutMs: 5_000,
  run: async (_, input) => {
    const read = readInput(evaluated, input);
    return 'refused' in read ? read.refused : failed(read.input.code ?? 'node-failed', read.input.message);
  },
};
