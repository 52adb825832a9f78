// Every interface the core needs from the world, on one page. Methods of stores are domain moves, each one
// conditional statement or one transaction; adapters live in lambdas/aws and lambdas/net, wired in lambdas/wiring.ts.

import type { Failure } from './errors.ts';
import type { Compiled, Plan } from './flow/plan.ts';
import type { Json, JsonObject } from './json.ts';
import type { Credentials, PluginDefinition } from './nodes/plugin.ts';
import type {
  Delivery,
  DeliveryAttempt,
  DeliveryStatus,
  DialectName,
  NodeRecord,
  Run,
  RunMode,
  RunRecord,
  RunStatus,
  SettledStatus,
  Signal,
  Usage,
  WaitKind,
  Webhook,
} from './run.ts';

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves early, without throwing, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ids {
  /** A time-ordered UUID (version 7). */
  run(now: number): string;
  /** Random characters [0-9A-Za-z], for keys and secrets. */
  token(chars: number): string;
  /** Uniform in [0, 1), for jitter. */
  random(): number;
}

export interface NewRun {
  run: Run;
  inputs: JsonObject;
  webhooks: Webhook[];
  /** The user's credentials by plugin: kept sealed, for the slices of this run alone. */
  credentials?: Record<string, Credentials>;
  /** Values of inputs marked `searchable`. */
  searchable: Record<string, string>;
  idempotency?: { key: string; fingerprint: string; replaces?: string };
}

export type CreateResult =
  | { kind: 'created' }
  /** Another request has used the idempotency key. */
  | { kind: 'duplicate'; runId: string; fingerprint: string };

export type ClaimResult =
  | { kind: 'claimed'; run: Run }
  /** Somebody holds a live lease, the run has ended, or the claim is of an outdated handover. */
  | { kind: 'refused'; run: Run | undefined };

export interface Settlement {
  status: SettledStatus;
  outputs: JsonObject | null;
  error?: Failure;
  usage: Usage;
  handledErrors: number;
  endedAt: number;
}

export interface Suspension {
  status: 'pending' | 'waiting' | 'running';
  waitingFor?: WaitKind;
  wakeAt?: number;
  /** When the sweeper looks again. */
  dueAt: number;
  handOver: boolean;
  usage: Usage;
  handledErrors: number;
}

export interface RunQuery {
  tenant: string;
  flow?: string;
  status?: RunStatus;
  mode?: RunMode;
  env?: 'published' | 'debug';
  dialect?: DialectName;
  user?: string;
  /** Epoch milliseconds, inclusive and exclusive. */
  from?: number;
  to?: number;
  /** Exact values of inputs, found by index where all of them are searchable (with `flow`), else by walking. */
  inputs?: Record<string, string>;
  indexed?: Record<string, string>;
  /** A run id, or text in input values. */
  q?: string;
  limit: number;
  cursor?: string;
}

export type Due =
  | { kind: 'run'; id: string }
  | { kind: 'delivery'; run: string; n: number }
  | { kind: 'slots'; tenant: string };

export interface RunStore {
  create(run: NewRun): Promise<CreateResult>;
  get(id: string): Promise<Run | undefined>;
  /** The run as of about a second ago, at half the price: for a slice that watches for cancel requests and signals. */
  glance(id: string): Promise<Run | undefined>;
  /** The run with inputs, outputs and deliveries. */
  read(id: string): Promise<RunRecord | undefined>;
  list(query: RunQuery): Promise<{ runs: Run[]; next: string | null }>;
  /**
   * Takes the lease: epoch + 1, and crashes + 1 where a dead lease is taken over. `handover` must be the run's current
   * one where given; `ending` takes the lease only to end the run, so it does not count as started.
   */
  claim(
    id: string,
    claim: { now: number; leaseUntil: number; handover?: number; ending?: boolean },
  ): Promise<ClaimResult>;
  /** Extends the lease of this epoch; undefined when the lease is lost. The run tells of cancel requests and signals. */
  renew(id: string, epoch: number, leaseUntil: number): Promise<Run | undefined>;
  /** Everything a slice starts from. */
  load(id: string): Promise<{
    inputs: JsonObject;
    records: NodeRecord[];
    signals: Signal[];
    credentials?: Record<string, Credentials>;
  }>;
  /** Writes the record unless the unit has ended, or a later epoch has recorded it; answers with the record that stands. */
  recordNode(run: Pick<Run, 'id' | 'tenant'>, record: NodeRecord): Promise<NodeRecord>;
  /**
   * Gives the lease back, fenced by the epoch, unless a signal or a cancel request came since `run` was read: then
   * `signaled`. With `handOver` it counts one more handover, the number of the execution to start.
   */
  suspend(run: Run, suspension: Suspension): Promise<{ kind: 'suspended'; run: Run } | { kind: 'signaled' | 'lost' }>;
  /** Ends the run, fenced by the epoch, and writes one delivery per webhook, in one transaction. */
  settle(run: Run, settlement: Settlement): Promise<{ run: Run; deliveries: Delivery[] } | 'lost'>;
  /** Keeps the Park's token unless the run is not waiting or a signal came meanwhile: then the Park must be woken at once. */
  park(id: string, park: { handover: number; token: string }): Promise<'parked' | 'awake'>;
  requestCancel(id: string): Promise<Run | undefined>;
  /** Stores the signal unless the path has one; `settled` when the run has ended. */
  signal(
    id: string,
    signal: Signal,
    dueAt: number,
  ): Promise<{ kind: 'stored'; run: Run } | { kind: 'given' } | { kind: 'settled' }>;
  /** Pushes the sweeper's next look, if it is still the run's `dueAt`; with `pending` a run without a lease queues again. */
  postpone(run: Run, dueAt: number, to?: 'pending'): Promise<void>;
  /** Whatever the due index holds up to now, oldest first. The index may be stale: read again before acting. */
  due(now: number, limit: number): Promise<Due[]>;

  delivery(run: string, n: number): Promise<Delivery | undefined>;
  /** Appends an attempt; false when another worker recorded one since `delivery` was read. */
  recordAttempt(
    delivery: Delivery,
    attempt: DeliveryAttempt,
    next: { status: DeliveryStatus; nextAt?: number; dueAt?: number },
  ): Promise<boolean>;
  /** Makes the delivery due now, whatever its state. */
  reopenDelivery(delivery: Delivery, now: number): Promise<void>;
  postponeDelivery(delivery: Delivery, dueAt: number): Promise<void>;
  /** Makes the next attempt later; false when anything about the delivery has changed since it was read. */
  putOffDelivery(delivery: Delivery, to: { nextAt: number; dueAt: number; putOffAt: number }): Promise<boolean>;
}

/** Per-tenant concurrency: a set of run ids, and the waiting room in front of it. */
export interface Slots {
  /** True when the run holds a slot now (idempotent). False when the tenant is full or others wait. */
  acquire(slot: { tenant: string; runId: string; limit: number; now: number }): Promise<boolean>;
  /** Gives the slot back (idempotent); answers how many runs wait. */
  release(tenant: string, runId: string): Promise<{ waiting: number }>;
  /** Puts the run into the waiting room, ordered by priority (9 first), then age. Idempotent. */
  wait(run: Run): Promise<void>;
  /** Whether the run has a waiting place. */
  waits(run: Run): Promise<boolean>;
  /** Takes the run out of the waiting room, e.g. because it was canceled. Idempotent. */
  leave(run: Run): Promise<void>;
  /** Moves as many waiting runs as there are free slots into slots; answers their ids, in order. */
  promote(tenant: string, limit: number): Promise<string[]>;
  /** As of about a second ago. */
  occupancy(tenant: string): Promise<{ running: string[]; waiting: number; sync: string[] }>;
  /** The same for synchronous calls, which never wait. */
  enterSync(slot: { tenant: string; runId: string; limit: number; now: number }): Promise<boolean>;
  leaveSync(tenant: string, runId: string): Promise<void>;
  /** When the sweeper reconciles the slots with the runs again; never, where undefined. */
  reconcileAt(tenant: string, dueAt: number | undefined): Promise<void>;
}

export interface Queues {
  /** A doorbell: the table is the truth. Grouped by tenant (a fair queue). */
  ringRuns(rings: { runId: string; tenant: string; delaySeconds?: number }[]): Promise<void>;
  ringDeliveries(rings: { run: string; n: number; tenant: string; delaySeconds?: number }[]): Promise<void>;
}

/** The Step Functions machine. */
export interface Machine {
  /** Starts execution `<runId>-<handover>`; an execution that exists already is fine. `parkSeconds` begins with a Park. */
  start(start: { runId: string; handover: number; parkSeconds?: number }): Promise<void>;
  /** Completes a Park; false when the token is no longer waited for. */
  wake(token: string): Promise<boolean>;
}

export interface FlowSummary {
  tenant: string;
  name: string;
  title?: string;
  enabled: boolean;
  createdAt: number;
  updatedAt: number;
  /** Newest published version. */
  latest?: { version: string; digest: string; publishedAt: number };
  draft?: { etag: string; digest?: string; updatedAt: number };
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowVersion {
  version: string;
  digest: string;
  source: string;
  publishedAt: number;
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowStore {
  get(tenant: string, name: string): Promise<FlowSummary | undefined>;
  list(
    tenant: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ flows: FlowSummary[]; next: string | null }>;
  draft(tenant: string, name: string): Promise<{ etag: string; source: string; compiled: Compiled } | undefined>;
  /** Stores the draft (and its plan, where it has one). `ifMatch` refuses an outdated editor: then undefined. */
  putDraft(draft: {
    tenant: string;
    name: string;
    source: string;
    etag: string;
    compiled: Compiled;
    now: number;
    ifMatch?: string;
  }): Promise<FlowSummary | undefined>;
  /** Adds an immutable version, unless the newest is no longer `after`: then undefined. */
  addVersion(version: {
    tenant: string;
    name: string;
    version: FlowVersion;
    plan: Plan;
    after?: string;
  }): Promise<FlowSummary | undefined>;
  /** Newest first. */
  versions(tenant: string, name: string): Promise<FlowVersion[]>;
  version(tenant: string, name: string, version: string): Promise<FlowVersion | undefined>;
  /** Plans are content-addressed and cached. */
  plan(tenant: string, name: string, digest: string): Promise<Plan | undefined>;
  setEnabled(tenant: string, name: string, enabled: boolean, now: number): Promise<FlowSummary | undefined>;
  /** Removes the flow from the catalog; plans of runs stay until they expire. */
  remove(tenant: string, name: string): Promise<boolean>;
}

export interface Tenant {
  id: string;
  name: string;
  limits: { concurrency: number; waiting: number; sync: number };
  entitlements: { async: boolean };
  creditsPerUsd: number;
  createdAt: number;
}

export const SCOPES = ['run', 'admin', 'operator'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Key {
  id: string;
  tenant: string;
  dialect: DialectName;
  name?: string;
  /** Bound to one flow. */
  flow?: string;
  /** Vendor ids in requests → flow names. */
  ids?: Record<string, string>;
  scopes: Scope[];
  createdAt: number;
  expiresAt?: number;
  lastUsedAt?: number;
}

export interface TenantStore {
  tenant(id: string): Promise<Tenant | undefined>;
  putTenant(tenant: Tenant): Promise<void>;
  tenants(page: { limit: number; cursor?: string }): Promise<{ tenants: Tenant[]; next: string | null }>;
  /** `hash` is the keyed hash of the whole credential. */
  keyByHash(hash: string): Promise<Key | undefined>;
  addKey(key: Key, hash: string): Promise<void>;
  keys(tenant: string): Promise<Key[]>;
  removeKey(tenant: string, id: string): Promise<boolean>;
  /** Coarse: at most one write an hour and key. */
  touchKey(key: Key, now: number): Promise<void>;
  /** Sealed values (see Keyring); names are returned, values never leave the core. */
  putSecret(tenant: string, name: string, sealed: string, now: number): Promise<void>;
  secrets(tenant: string): Promise<{ name: string; updatedAt: number }[]>;
  secret(tenant: string, name: string): Promise<string | undefined>;
  removeSecret(tenant: string, name: string): Promise<boolean>;
  /** Sealed webhook signing secrets, newest first; an older one signs too until `until`. */
  webhookSecrets(tenant: string): Promise<{ sealed: string; until?: number }[]>;
  /** False, and nothing written, when the newest is no longer `known` (undefined: there was none). */
  putWebhookSecrets(
    tenant: string,
    secrets: { sealed: string; until?: number }[],
    known: string | undefined,
  ): Promise<boolean>;
}

export interface StoredPlugin {
  id: string;
  definition: PluginDefinition;
  /** Credentials of the tenant (see Keyring). */
  sealed?: string;
  updatedAt: number;
}

export interface PluginStore {
  get(tenant: string, id: string): Promise<StoredPlugin | undefined>;
  /** By id. */
  list(tenant: string): Promise<StoredPlugin[]>;
  put(tenant: string, plugin: StoredPlugin): Promise<void>;
  remove(tenant: string, id: string): Promise<boolean>;
}

/** A file that a tenant has uploaded, or is about to. */
export interface StoredFile {
  id: string;
  tenant: string;
  name: string;
  /** Media type. */
  type: string;
  /** Bytes. */
  size: number;
  createdAt: number;
}

export interface FileStore {
  /** Records the file; its bytes come later, by `uploadUrl` or `write`. */
  add(file: StoredFile): Promise<void>;
  get(tenant: string, id: string): Promise<StoredFile | undefined>;
  /** Where the bytes are PUT, as many as were announced, within UPLOAD_SECONDS. */
  uploadUrl(file: StoredFile): Promise<{ url: string; headers: Record<string, string> }>;
  /** Where they are read without a key, within UPLOAD_SECONDS. */
  downloadUrl(file: StoredFile): Promise<string>;
  write(file: StoredFile, bytes: Uint8Array): Promise<void>;
  isUploaded(file: StoredFile): Promise<boolean>;
  /** Undefined while nothing was uploaded, and after it has expired. */
  read(file: StoredFile): Promise<Uint8Array | undefined>;
}

/** Keys derived per purpose from the one platform secret. */
export interface Keyring {
  /** Keyed hash of a credential, hex. */
  hashKey(credential: string): Promise<string>;
  /** AES-256-GCM; `context` is authenticated with it, so a sealed value opens only where it belongs. */
  seal(plain: string, context: string): Promise<string>;
  open(sealed: string, context: string): Promise<string>;
  /** 32 bytes in base64, always the same for the same purpose: a secret that needs no storage. */
  derive(purpose: string): Promise<string>;
  /** Token that signals one node of one run; carries its address. */
  signalToken(runId: string, path: string): string;
  readSignalToken(token: string): { runId: string; path: string } | undefined;
  /** Loads what the synchronous methods need. */
  ready(): Promise<void>;
}

export interface HttpRequest {
  url: string;
  method: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal;
  /** Redirects to follow, each checked like the first; 0 hands a 3xx back. */
  redirects?: number;
  /** Gets the decoded body piece by piece as it comes; the answer holds all of it none the less. */
  onChunk?(chunk: Uint8Array): void;
}

export interface HttpAnswer {
  status: number;
  /** Lower-case names; a repeated header is joined with ', '. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** The body was cut at `maxBytes`. */
  truncated: boolean;
  durationMs: number;
}

/** The one guarded client for every outgoing request. Throws PlatformError('unsafe-url') or HttpFault. */
export interface HttpClient {
  /** Refuses an address that may never be called; used before anything is written. Does not resolve names. */
  check(url: string): void;
  send(request: HttpRequest): Promise<HttpAnswer>;
}

export type HttpFaultReason = 'timeout' | 'aborted' | 'dns' | 'connect' | 'tls' | 'protocol' | 'too-large';

/** No usable answer came. */
export class HttpFault extends Error {
  readonly reason: HttpFaultReason;
  constructor(reason: HttpFaultReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'HttpFault';
    this.reason = reason;
  }
}

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
  /** What the model thought, where it tells. */
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

/** Functions of the account that `lambda` nodes may invoke. */
export interface Functions {
  /** `response` waits for the function's answer; `event` hands the payload over and returns at once. */
  invoke(call: {
    name: string;
    qualifier?: string;
    payload: Json;
    mode: 'response' | 'event';
    signal?: AbortSignal;
  }): Promise<{ kind: 'answer'; payload: Json } | { kind: 'error'; type: string; message: string; retryable: boolean }>;
}

export const CODE_LANGUAGES = ['javascript', 'python'] as const;
export type CodeLanguage = (typeof CODE_LANGUAGES)[number];

/** One call of `main`, as the function that runs the code gets it. */
export interface CodeJob {
  source: string;
  args: JsonObject;
  limits: {
    timeoutMs: number;
    /** Of the process that runs the code, and of every process it starts, together. */
    memoryMb: number;
    resultBytes: number;
    resultDepth: number;
    /** More on stdout and stderr together ends the code. */
    printedBytes: number;
  };
}

export type CodeFailure =
  | 'not-loaded'
  | 'no-main'
  | 'threw'
  | 'wrong-result'
  | 'too-large'
  | 'timed-out'
  | 'out-of-memory'
  | 'exited';

/** How the call ended, as the function answers. Whatever the code does, it ends in one of these. */
export type CodeEnd =
  | { kind: 'returned'; result: JsonObject }
  | {
      kind: 'failed';
      reason: CodeFailure;
      /** What happened, to follow the sentence of the reason. */
      message: string;
      /** 1-based place in the source. */
      line?: number;
      column?: number;
      /** The end of what the code printed. */
      printed?: string;
    };

/** Runs code that tenants write, away from the platform: each call in a process of its own that is ended with it. */
export interface CodeRunner {
  run(call: {
    language: CodeLanguage;
    tenant: string;
    job: CodeJob;
    signal?: AbortSignal;
  }): Promise<CodeEnd | { kind: 'unavailable'; message: string; retryable: boolean }>;
}

export type JinjaEnd =
  | { kind: 'rendered'; text: string }
  /** The message follows "the template cannot be rendered: ". */
  | { kind: 'failed'; message: string };

/** Renders templates in Jinja that tenants write, in bounded time and memory. */
export interface Jinja {
  render(template: { text: string; vars: JsonObject }): Promise<JinjaEnd>;
}

/** Formats whose text takes a library to read. */
export type DocumentFormat = 'pdf' | 'docx' | 'html' | 'csv';

export interface DocumentJob {
  bytes: Uint8Array;
  format: DocumentFormat;
  /** Of html and csv. */
  charset: string;
}

export interface DocumentText {
  /** Of everything but a CSV. */
  text?: string;
  /** Of a PDF. */
  pages?: number;
  /** Of a CSV: one object for each line, by the names in the first. */
  rows?: JsonObject[];
}

export type DocumentRead =
  | ({ kind: 'read' } & DocumentText)
  /** The message follows "the document cannot be read: ". */
  | { kind: 'failed'; message: string; retryable: boolean };

/** Reads documents that strangers have made, in bounded time and memory. */
export interface Documents {
  read(job: DocumentJob, signal?: AbortSignal): Promise<DocumentRead>;
}

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

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** Counts towards an alarm or the dashboard. */
  metric(name: string, value?: number): void;
}

export interface Ports {
  clock: Clock;
  ids: Ids;
  runs: RunStore;
  slots: Slots;
  queues: Queues;
  machine: Machine;
  flows: FlowStore;
  tenants: TenantStore;
  plugins: PluginStore;
  files: FileStore;
  keyring: Keyring;
  http: HttpClient;
  functions: Functions;
  code: CodeRunner;
  models: Models;
  knowledge: Knowledge;
  documents: Documents;
  jinja: Jinja;
  log: Log;
}
