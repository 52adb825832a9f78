// What a node kind is. A kind is one file that exports a NodeKind, and one line in index.ts.

import type { ErrorCode, ErrorDetail, Failure } from '../errors.ts';
import type { AuthoredKind } from '../flow/authored-kind.ts';
import type { Json, JsonObject } from '../json.ts';
import type { OpenFile } from '../ports/files.ts';
import type { Ports } from '../ports/ports.ts';
import type { NodeWait, RunStatus, Signal, Usage } from '../run.ts';
import type { PluginAction } from './tool/plugin.ts';

/** What happened to one attempt of a unit. Failures and waits are data; only faults of the platform are thrown. */
export type Outcome =
  | { kind: 'done'; result: Json; port?: string; usage?: Usage }
  | {
      kind: 'failed';
      code: ErrorCode | (string & {});
      message: string;
      retryable: boolean;
      /** The other side asked for no retry before this. */
      retryAfterMs?: number;
      details?: ErrorDetail[];
      usage?: Usage;
    }
  /**
   * `notify` sends the request to whoever must answer. It is called after the wait is recorded, so an answer cannot come
   * too early; after a crash in between it is called again (same idempotency key). An outcome that it returns ends the
   * unit, or is waited for in place of the first wait; undefined keeps it waiting.
   */
  | { kind: 'wait'; wait: NodeWait; notify?: () => Promise<Outcome | undefined> };

/** What resumes a suspended unit. */
export type Resumption = { state?: Json } & ({ by: 'signal'; signal: Signal } | { by: 'timer' });

export interface ChildRun {
  id: string;
  status: RunStatus;
  isSettled: boolean;
  outputs: JsonObject | null;
  error?: Failure;
  usage: Usage;
}

/** Runs that this unit has started. */
export interface Children {
  /** The id of the run to start: the same after a crash, once a wait of this attempt has recorded it as its `child`. */
  reserve(): string;
  /** Idempotent for the attempt of the unit; answers the id. Rejections are those of accepting any run. */
  start(child: { id?: string; awaited: boolean; flow: string; version?: string; inputs: JsonObject }): Promise<string>;
  read(id: string): Promise<ChildRun | undefined>;
  /** Idempotent: nobody wants its outputs any more. */
  cancel(id: string): Promise<void>;
}

/** A plugin with the credentials that its actions may use here. */
export interface OpenPlugin {
  actions: Record<string, PluginAction>;
  credentials: Record<string, string>;
}

export interface NodeContext {
  /** Path of the unit within the run. */
  path: string;
  run: { id: string; tenant: string; flow: string; env: 'published' | 'debug'; startedAt: number; user?: string };
  /** 1-based. */
  attempt: number;
  /** Same across attempts and crashes: `<run id>/<path>`. */
  idempotencyKey: string;
  /** Unguessable address that signals this unit; built on use. */
  callbackUrl(): string;
  /** Roots of the unit's expressions without their `$`: inputs, nodes, item, index, env, run, ... but never secrets. */
  bindings: Record<string, Json>;
  /** Values of the secrets that the node names (`secretNames`) or mentions (`$secrets.NAME`). */
  secrets: Record<string, string>;
  /** Aborts on cancel, on the unit's timeout and when the lease is lost. */
  signal: AbortSignal;
  /** The node's `timeout`; of a kind that waits, the bound of the wait (`signal` bounds the work). */
  timeoutMs: number;
  now(): number;
  /** Streams text to clients that follow the run. It is not stored: the result holds all of it. */
  say(text: string): void;
  /** Whether to stream the node's text while the model writes it (`stream: true`). */
  streams: boolean;
  /** Aliases that the flow gives to models. */
  models: Record<string, JsonObject>;
  children: Children;
  files: {
    /** The bytes that an input, or another node's result, refers to. Throws UnopenedFile and what the client throws. */
    open(ref: Json, maxBytes: number): Promise<OpenFile>;
    /** Stores bytes that are too many for a result, or are not text; returns the reference. */
    keep(file: OpenFile): Promise<JsonObject>;
  };
  /** `auth`: whose credentials to use, where the flow does not declare it. Throws ApiError where the plugin does not exist. */
  plugin(id: string, auth?: 'platform' | 'user'): Promise<OpenPlugin>;
  ports: Pick<Ports, 'http' | 'functions' | 'code' | 'models' | 'knowledge' | 'documents' | 'jinja' | 'log'>;
}

/** How a kind runs, in addition to what an author may write. */
export interface NodeKind<With extends JsonObject = JsonObject> extends AuthoredKind<With> {
  /** `input` is `with` with every expression evaluated, except in `rawFields`. (A group's nodes are run by the engine.) */
  run(context: NodeContext, input: With): Promise<Outcome>;
  /** It waits for a time, or for a run that it started: no signal from outside ends it. */
  endsByItself?: true;
  /** What is wrong with an answer; a wrong one is refused, and the unit keeps waiting. */
  refuses?(source: With, payload: Json): Promise<ErrorDetail[]>;
  /** Called instead of `run` for a unit that waited. A kind that never waits has none. */
  resume?(context: NodeContext, input: With, resumption: Resumption): Promise<Outcome>;
}

export const done = (result: Json, extra: { port?: string; usage?: Usage } = {}): Outcome => ({
  kind: 'done',
  result,
  ...extra,
});

export const failed = (
  code: ErrorCode | (string & {}),
  message: string,
  extra: { retryable?: boolean; retryAfterMs?: number; details?: ErrorDetail[]; usage?: Usage } = {},
): Extract<Outcome, { kind: 'failed' }> => ({ kind: 'failed', code, message, retryable: false, ...extra });
