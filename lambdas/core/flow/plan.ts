// The compiled form of a flow: what the engine runs. Canonical, free of positions, addressed by its digest.

import type { Json, JsonObject } from '../json.ts';

export const INPUT_TYPES = [
  'string',
  'text',
  'number',
  'integer',
  'boolean',
  'enum',
  'object',
  'array',
  'file',
  'files',
] as const;
export type InputType = (typeof INPUT_TYPES)[number];

export interface InputSpec {
  type: InputType;
  title?: string;
  description?: string;
  required?: boolean;
  default?: Json;
  options?: Json[];
  minLength?: number;
  maxLength?: number;
  min?: number;
  max?: number;
  pattern?: string;
  schema?: JsonObject;
  accept?: string[];
  maxFiles?: number;
  maxSizeBytes?: number;
  hidden?: boolean;
  /** Other names a caller may use, e.g. a vendor's start parameter `_sys_origin_query`. */
  alias?: string[];
  /** Found by index in `GET /v1/runs?input.<name>=`. */
  searchable?: boolean;
}

export interface OutputSpec {
  /** The expression text or literal, as in `with`. */
  value: Json;
  type?: InputType;
  title?: string;
  stream?: boolean;
}

/** `review:reject` is { node: 'review', port: 'reject' }. */
export interface Need {
  node: string;
  port?: string;
}

export interface RetryPolicy {
  /** Attempts after the first. */
  max: number;
  delayMs: number;
  backoff: number;
  maxDelayMs: number;
  jitter: boolean;
  /** Error codes that are retried; absent means every retryable failure. */
  on?: string[];
}

export interface EachPolicy {
  /** Bare expression text. */
  in: string;
  concurrency: number;
  max: number;
  /** `output` is what a failed item gives; it sees `$item`, `$index` and `$error`. */
  onItemError: 'fail' | 'null' | 'skip' | { output: Json };
  flatten: boolean;
}

export interface RepeatPolicy {
  until?: string;
  max: number;
  /** First values of `$vars`; expressions allowed. */
  vars: JsonObject;
  /** Next values of `$vars`, evaluated after each round with `$result`. */
  next: JsonObject;
}

export type OnError = 'fail' | 'continue' | { output: Json };

export interface PlanNode {
  id: string;
  type: string;
  title?: string;
  /** Validated; strings may hold `${{ }}`. For a group, without its `nodes`. */
  with: JsonObject;
  /** Branches this node runs after: `needs` as written, or everything it mentions. */
  needs: Need[];
  /** Ids that must be settled before the engine decides whether the node runs: `needs` and every reference. */
  waitsFor: string[];
  join: 'all' | 'any' | 'settled';
  /** Bare expression texts. */
  when?: string;
  each?: EachPolicy;
  repeat?: RepeatPolicy;
  retry: RetryPolicy;
  timeoutMs: number;
  onError: OnError;
  /** Reshapes `$result` before it is recorded. */
  output?: Json;
  stream?: boolean;
  /** Only of a group. */
  nodes?: PlanNode[];
}

export interface PlanSettings {
  mode: 'any' | 'async' | 'sync';
  timeoutMs: number;
  maxTokens?: number;
  maxCostMicros?: number;
  concurrency: number;
}

export interface Plan {
  format: 1;
  name: string;
  title?: string;
  description?: string;
  labels?: Record<string, string>;
  inputs: Record<string, InputSpec>;
  models: Record<string, JsonObject>;
  env: JsonObject;
  secrets: string[];
  plugins: Record<string, JsonObject>;
  settings: PlanSettings;
  /** In source order. */
  nodes: PlanNode[];
  /** Named outputs, or one expression that yields the whole object. */
  outputs: Record<string, OutputSpec> | { expression: string };
}

export interface Problem {
  /** 1-based position in the source. */
  line: number;
  column: number;
  message: string;
  severity: 'error' | 'warning';
}

export interface Blocker {
  line: number;
  node: string;
  message: string;
}

export interface Support {
  supported: boolean;
  blockers: Blocker[];
}

/** What compiling a source gives. `plan` and `digest` are absent where a problem is an error. */
export interface Compiled {
  plan?: Plan;
  /** sha256, hex, of the canonical plan. */
  digest?: string;
  problems: Problem[];
  async: Support;
  sync: Support;
}
