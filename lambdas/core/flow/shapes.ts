// The fields of a flow and of every node, as an author writes them. Fields inside `with` belong to the node kinds; the
// other files of this folder check how fields fit together (references, scopes, cycles).

import * as z from 'zod';
import {
  MAX_EACH_CONCURRENCY,
  MAX_EACH_ITEMS,
  MAX_FIELDS,
  MAX_REPEAT,
  RUN_CEILING_SECONDS,
  RUN_NODE_CONCURRENCY,
} from '../limits.ts';
import { anyValue, bareExpression, byteSize, duration, EXPRESSION, FLOW_NAME, ID, ID_RULE } from './fields.ts';
import { INPUT_TYPES } from './plan.ts';

const CEILING_MS = RUN_CEILING_SECONDS * 1_000;
const MAX_RETRIES = 10;
const MAX_OPTIONS = 200;

const id = z.string().regex(ID, ID_RULE);
const title = z.string().max(200);
const description = z.string().max(4_000);
const count = z.int().min(0);

export const inputShape = z.strictObject({
  type: z.enum(INPUT_TYPES),
  title: title.optional(),
  description: description.optional(),
  required: z.boolean().optional(),
  default: anyValue.optional(),
  options: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .max(MAX_OPTIONS)
    .optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  pattern: z.string().max(500).optional(),
  schema: z.record(z.string(), anyValue).optional(),
  accept: z.array(z.string()).max(50).optional(),
  maxFiles: z.int().min(1).max(100).optional(),
  maxSize: byteSize().optional(),
  hidden: z.boolean().optional(),
  alias: z.union([z.string(), z.array(z.string())]).optional(),
  searchable: z.boolean().optional(),
});

const model = z.union([
  z.string().regex(/^[\w-]+\/.+$/, 'must be provider/model'),
  z.strictObject({ use: z.string(), temperature: z.number().optional(), maxTokens: z.int().min(1).optional() }),
]);

const settings = z.strictObject({
  mode: z.enum(['any', 'async', 'sync']).optional(),
  timeout: duration({ minMs: 1_000, maxMs: CEILING_MS }).optional(),
  maxTokens: z.int().min(1).optional(),
  maxCost: z.number().min(0).max(1_000_000).optional(),
  concurrency: z.int().min(1).max(RUN_NODE_CONCURRENCY).optional(),
});

const output = z.union([
  z.strictObject({
    value: anyValue,
    type: z.enum(INPUT_TYPES).optional(),
    title: title.optional(),
    stream: z.boolean().optional(),
  }),
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
]);

export const flowShape = z.strictObject({
  flow: z.literal(1, 'must be 1, the version of the format'),
  name: z.string().regex(FLOW_NAME, 'must be letters, digits, _ and -, at most 64, and no digit or - at the beginning'),
  title: title.optional(),
  description: description.optional(),
  labels: z.record(z.string().max(64), z.string().max(256)).optional(),
  inputs: z.record(id, inputShape).optional(),
  models: z.record(id, model).optional(),
  env: z.record(id, anyValue).optional(),
  secrets: z.array(id).max(MAX_FIELDS).optional(),
  plugins: z
    .record(
      id,
      z.strictObject({ auth: z.enum(['platform', 'user', 'none']), fields: z.array(id).max(MAX_FIELDS).optional() }),
    )
    .optional(),
  settings: settings.optional(),
  // Checked node by node, see scope.ts.
  nodes: z.record(z.string(), z.unknown()),
  outputs: z
    .union([
      z.string().regex(EXPRESSION, 'must be a map, or one expression in ${{ }} that gives the map'),
      z.record(id, output),
    ])
    .optional(),
  ui: z.unknown().optional(),
});

const each = z.strictObject({
  in: z.union([z.string().trim().min(1), z.array(anyValue)]),
  concurrency: z.int().min(1).max(MAX_EACH_CONCURRENCY).optional(),
  max: z.int().min(1).max(MAX_EACH_ITEMS).optional(),
  onItemError: z.union([z.enum(['fail', 'null', 'skip']), z.strictObject({ output: anyValue })]).optional(),
  flatten: z.boolean().optional(),
});

const retry = z.strictObject({
  max: z.int().min(0).max(MAX_RETRIES),
  delay: duration({ maxMs: 3_600_000 }).optional(),
  backoff: z.number().min(1).max(10).optional(),
  maxDelay: duration({ maxMs: 3_600_000 }).optional(),
  jitter: z.boolean().optional(),
  on: z.array(z.string()).min(1).max(50).optional(),
});

const repeat = z.strictObject({
  until: bareExpression.optional(),
  max: z.int().min(1).max(MAX_REPEAT),
  vars: z.record(id, anyValue).optional(),
  next: z.record(id, anyValue).optional(),
});

export const nodeShape = z.strictObject({
  type: z.string(),
  with: z.record(z.string(), z.unknown()).optional(),
  title: title.optional(),
  description: description.optional(),
  needs: z.union([z.string(), z.array(z.string()).max(MAX_FIELDS)]).optional(),
  join: z.enum(['all', 'any', 'settled']).optional(),
  when: bareExpression.optional(),
  each: z.union([z.string().trim().min(1), each]).optional(),
  repeat: repeat.optional(),
  retry: z.union([z.int().min(0).max(MAX_RETRIES), retry]).optional(),
  timeout: duration({ minMs: 1, maxMs: CEILING_MS }).optional(),
  onError: z.union([z.enum(['fail', 'continue']), z.strictObject({ output: anyValue })]).optional(),
  output: anyValue.optional(),
  stream: z.boolean().optional(),
  ui: z.unknown().optional(),
});

export type FlowFields = z.infer<typeof flowShape>;
export type NodeFields = z.infer<typeof nodeShape>;
export type InputFields = z.infer<typeof inputShape>;
