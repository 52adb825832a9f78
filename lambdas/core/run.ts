// What a run is: its statuses, what is stored of it, and which changes of status are legal.

import type { Failure } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

export const DIALECTS = ['native', 'dify', 'gptbots', 'qianfan', 'huawei', 'tencent'] as const;
export type DialectName = (typeof DIALECTS)[number];

export const RUN_MODES = ['sync', 'stream', 'async'] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const RUN_STATUSES = ['pending', 'running', 'waiting', 'succeeded', 'failed', 'canceled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export type SettledStatus = Extract<RunStatus, 'succeeded' | 'failed' | 'canceled'>;

export const WAIT_KINDS = ['timer', 'callback', 'approval', 'question'] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

export function isSettled(status: RunStatus): status is SettledStatus {
  return status === 'succeeded' || status === 'failed' || status === 'canceled';
}

/** Money is integer micros of `currency`, so sums are exact. */
export interface Usage {
  totalTokens: number;
  costMicros: number;
  steps: number;
  /** Of a node that asked a model. */
  inputTokens?: number;
  outputTokens?: number;
  model?: string;
  /** Of the price table that the cost was computed by. */
  priceVersion?: string;
}

export const NO_USAGE: Usage = { totalTokens: 0, costMicros: 0, steps: 0 };

/** The run record itself: small, because every change of status pays for its whole size. Times are epoch milliseconds. */
export interface Run {
  id: string;
  tenant: string;
  flow: string;
  /** `MAJOR.MINOR.PATCH`, or `draft` for a debug run. */
  version: string;
  /** Digest of the plan that this run executes, pinned for its whole life. */
  digest: string;
  env: 'published' | 'debug';
  mode: RunMode;
  dialect: DialectName;
  status: RunStatus;
  waitingFor?: WaitKind;
  error?: Failure;
  usage: Usage;
  handledErrors: number;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
  deadlineAt: number;
  /** Not before this time (an async run with `startAfter`). */
  startAfter?: number;
  priority: number;
  user?: string;
  metadata?: JsonObject;
  /** From the start, from where it failed, or from a node, by its id. */
  rerunOf?: { run: string; from: 'start' | 'failed' | (string & {}) };
  /**
   * Of a run that a `flow` node has started: whose, and how many runs are above it. `awaited`: the parent waits for its end,
   * and wants no outputs once it has ended itself; absent in runs of releases that did not say.
   */
  parent?: { run: string; path: string; depth: number; awaited?: boolean };
  webhookCount: number;
  /** The user's credentials for plugins came with it: until its end (`once`), or for its reruns too. */
  credentials?: 'once' | 'kept';
  /** What a dialect's answers repeat of its request; at most 2 KB. Lists find the run by its `texts`, as by its inputs. */
  echo?: JsonObject;
  /** Base URL under which the run was accepted: callback addresses begin with it. */
  origin: string;

  /** Counts the claims; every write of a slice is fenced by it. */
  epoch: number;
  /** Present while somebody works on the run. */
  leaseUntil?: number;
  /** Claims that found a dead lease: how often this run crashed its worker. */
  crashes: number;
  cancelRequested?: boolean;
  /** Signals ever given, and how many of them the last slice had seen when the run was suspended. */
  signals: number;
  seenSignals: number;
  /** How often the run was handed to Step Functions: the execution is named `<id>-<handoffs>`. */
  handoffs: number;
  /** Task token of the Park that waits for this run's next signal. */
  parkToken?: string;
  /** Earliest timer of a waiting run. */
  wakeAt?: number;
  /** The sweeper looks at the run at this time; absent once settled. */
  dueAt?: number;
}

/** What a text is searched in. */
export function listTexts({ echo }: Pick<Run, 'echo'>, inputs: JsonObject): string[] {
  const texts = echo?.['texts'];
  const values = [...Object.values(inputs), ...(Array.isArray(texts) ? texts : [])];
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}

/** A webhook as the caller asked for it. Headers are encrypted at rest and never returned. */
export interface Webhook {
  url: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
}

/** Of one user or tenant for one plugin: values by field. */
export type Credentials = Record<string, string>;

export interface RunRecord {
  run: Run;
  /** Id of the key that started it; of a run that a run has started, of the key that started the first of them. */
  startedBy?: string;
  /** Plugins for which the user's credentials came with it, whether they are kept or not. */
  plugins?: string[];
  inputs: JsonObject;
  outputs: JsonObject | null;
  deliveries: Delivery[];
}

export interface DeliveryAttempt {
  /** Epoch milliseconds at which the attempt began. */
  at: number;
  durationMs: number;
  /** HTTP status; absent when no answer came. */
  status?: number;
  /** The receiver's answer, trimmed. */
  response?: string;
  error?: string;
  /** Asked for by hand rather than by the schedule. */
  manual?: boolean;
}

/** pending: to be (re)tried; delivered: a 2xx was seen; exhausted: the schedule is used up; gone: the receiver said 410. */
export type DeliveryStatus = 'pending' | 'delivered' | 'exhausted' | 'gone';

export interface Delivery extends Webhook {
  run: string;
  tenant: string;
  /** 1-based, in the order of the request. */
  n: number;
  status: DeliveryStatus;
  attempts: DeliveryAttempt[];
  /** When the next attempt is due; absent when none is. */
  nextAt?: number;
  /** When this attempt was first deferred, because nobody answers there. */
  deferredAt?: number;
}

export type NodeStatus = 'succeeded' | 'failed' | 'waiting';

export interface NodeWait {
  kind: WaitKind;
  /** Epoch milliseconds of the timer; also the timeout of a callback, approval or question. */
  until?: number;
  /** What the waiting party should be shown. */
  prompt?: JsonObject;
  /** What the node kind needs to go on. */
  state?: Json;
  /** The run whose end is waited for. */
  child?: string;
  /** The attempt that a delayed retry begins with. */
  retry?: number;
  /** False until the waiting party was notified; after a crash in between it is notified again. */
  notified?: boolean;
}

/** One unit of work that ended or waits. `path` is the node id, with `[00007]` for an item and `.` into a group. */
export interface NodeRecord {
  path: string;
  type: string;
  status: NodeStatus;
  /** The failure was handled (onError, or a `:error` need). */
  handled?: boolean;
  output?: Json;
  port?: string;
  error?: Failure;
  attempts: number;
  startedAt: number;
  endedAt?: number;
  usage?: Usage;
  /** It said its text to the end user while it ran. */
  said?: true;
  /** Of an `each`: how many items; their records hold the outputs, so this one holds none. */
  items?: number;
  wait?: NodeWait;
  /** Epoch of the slice that wrote it. */
  epoch: number;
  /** Orders the events of the run, see runs/events.ts. */
  seq: number;
}

/** An outside event for a waiting node, stored before anybody is woken. */
export interface Signal {
  path: string;
  payload: Json;
  at: number;
  by?: string;
}
