// The first node: joins branches of which only some ran.

import * as z from 'zod';
import { anyValue } from '../flow/fields.ts';
import { asWritten } from './node-input.ts';
import { done, type NodeKind } from './node-kind.ts';

const FIELDS = { values: z.array(anyValue).min(1) };

export const FIRST: NodeKind = {
  type: 'first',
  summary: 'Gives the first of its values that is not null; null where all are.',
  fields: {
    values: 'The node gives the first that is not null',
  },
  with: asWritten(FIELDS),
  defaultTimeoutMs: 5_000,
  join: 'settled',
  // An expression that found one value gives it without a list.
  run: async (_, { values }) => done([values ?? null].flat(1).find((value) => value !== null) ?? null),
};
