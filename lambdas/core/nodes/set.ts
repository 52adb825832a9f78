// The set node: names values.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import { isMap } from '../json.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, type NodeKind } from './node-kind.ts';

const FIELDS = { values: z.record(z.string(), anyValue) };
const evaluated = z.strictObject(FIELDS);

export const SET: NodeKind = {
  type: 'set',
  summary: 'Names values. Gives them as one object.',
  fields: {
    values: 'By name, the values that the node gives',
  },
  with: asWritten(FIELDS),
  defaultTimeoutMs: 5_000,
  resultFields: ({ values }) => (isMap(values) ? Object.keys(values) : undefined),
  run: async (_, input) => {
    const read = readInput(evaluated, input);
    return 'refused' in read ? read.refused : done(read.input.values);
  },
};
