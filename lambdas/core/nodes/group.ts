// The group node: nodes with their own scope, often run for each item. The engine runs them; when they have ended it
// evaluates `output` in their scope, and that is the result of the group.

import * as z from 'zod';
import { anyValue, ID } from '../flow/fields.ts';
import { isMap } from '../json.ts';
import { MAX_NODES } from '../limits.ts';
import { done, type NodeKind } from './node-kind.ts';

export const GROUP: NodeKind = {
  type: 'group',
  summary: 'Runs nodes of its own, once or for each item. Gives `output`.',
  fields: {
    nodes: 'Nodes with a scope of their own; they see those around the group',
    output: 'What the group gives; it sees the nodes inside',
  },
  // The nodes are checked like those of the flow itself.
  with: z.strictObject({
    nodes: z
      .record(z.string().regex(ID), z.unknown())
      .refine((nodes) => Object.keys(nodes).length > 0, { error: 'needs at least one node' })
      .refine((nodes) => Object.keys(nodes).length <= MAX_NODES, { error: `has more than ${MAX_NODES} nodes` }),
    output: anyValue.optional(),
  }),
  defaultTimeoutMs: 600_000,
  resultFields: ({ output }) => (isMap(output) ? Object.keys(output) : undefined),
  run: async (_, { output }) => done(output ?? null),
};
