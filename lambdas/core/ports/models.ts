// Language models, and the knowledge bases that are searched for them.

import type { JsonObject } from '../json.ts';

export interface ModelMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
  /** Addresses of images, or `data:` URLs. */
  images?: string[];
}

export const REASONING_EFFORTS = ['low', 'medium', 'high'] as const;
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number];

export interface ModelRequest {
  /** Without its provider. */
  model: string;
  messages: ModelMessage[];
  temperature?: number;
  topP?: number;
  maxTokens?: number;
  stop?: string[];
  seed?: number;
  /** How much the model should think first, where it can. */
  reasoning?: ReasoningEffort;
  /** Fields of the provider's own request, for what it alone can do. They do not replace ours. */
  extra?: JsonObject;
  /** JSON Schema that the answer should fit; whoever asks checks it. */
  schema?: JsonObject;
  /** Asks for a stream, and gets its text as it is written. */
  onText?(text: string): void;
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface ModelAnswer {
  text: string;
  /** What the model thought, where it says. */
  reasoning?: string;
  finishReason: 'stop' | 'length' | 'filtered' | 'other';
  inputTokens: number;
  outputTokens: number;
}

/** A model gave no answer: `model-quota` and `model-unavailable` may pass. */
export class ModelFault extends Error {
  readonly code: 'model-not-configured' | 'model-quota' | 'model-unavailable' | 'node-failed';
  readonly retryAfterMs: number | undefined;
  constructor(code: ModelFault['code'], message: string, extra: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: extra.cause });
    this.name = 'ModelFault';
    this.code = code;
    this.retryAfterMs = extra.retryAfterMs;
  }
}

/** One provider of models: `openai` (any endpoint that speaks its wire) or `bedrock`. */
export interface ModelProvider {
  /** Names of its models, where not any name will do. */
  offers?: readonly string[];
  /** Throws ModelFault. */
  generate(request: ModelRequest): Promise<ModelAnswer>;
}

/** Those that this deployment has configured. */
export type Models = Partial<Record<ModelProviderName, ModelProvider>>;
export const MODEL_PROVIDERS = ['openai', 'bedrock'] as const;
export type ModelProviderName = (typeof MODEL_PROVIDERS)[number];

/** Every key must have the value, or one of the values. */
export type PassageFilter = Record<string, Scalar | Scalar[]>;
type Scalar = string | number | boolean;

export interface Passage extends JsonObject {
  text: string;
  /** How well it fits, 0 to 1; null where the base does not say. */
  score: number | null;
  /** Where the document lies. */
  url: string | null;
  metadata: JsonObject;
}

/** Knowledge bases that `retrieve` nodes may search. */
export interface Knowledge {
  /** Names of those that this deployment has. */
  sources: readonly string[];
  /** The best passages first. */
  retrieve(search: {
    source: string;
    query: string;
    topK: number;
    filter?: PassageFilter;
    signal?: AbortSignal;
  }): Promise<{ kind: 'passages'; passages: Passage[] } | { kind: 'error'; message: string; retryable: boolean }>;
}
