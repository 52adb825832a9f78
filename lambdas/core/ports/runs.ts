// What the core needs to keep runs: their records, the slots they hold, the queues that announce them and the machine that
// carries the long ones. Methods of stores are domain moves, each one conditional statement or one transaction. A move that
// may not take place answers `{ kind }`; a plain read that finds nothing answers undefined, a yes-or-no question a boolean.

import type { Failure } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type {
  Credentials,
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
} from '../run.ts';

export interface NewRun {
  run: Run;
  inputs: JsonObject;
  webhooks: Webhook[];
  /** Id of the key: kept beside the inputs, so lists do not have it. */
  startedBy?: string;
  /** The user's credentials by plugin: kept sealed, until the run ends where `run.credentials` says so. */
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
  /** Somebody holds a live lease, the run has ended, or the claim is of an outdated handoff. */
  | { kind: 'refused'; run: Run | undefined };

export interface Settlement {
  status: SettledStatus;
  outputs: JsonObject | null;
  error?: Failure;
  usage: Usage;
  handledErrors: number;
  endedAt: number;
  /** When the sweeper looks again, although the run has ended: until `finish`. */
  dueAt?: number;
}

export interface Suspension {
  status: 'pending' | 'waiting' | 'running';
  waitingFor?: WaitKind;
  wakeAt?: number;
  /** When the sweeper looks again. */
  dueAt: number;
  handoff: boolean;
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
   * Takes the lease: epoch + 1, and crashes + 1 where a dead lease is taken over. `handoff` must be the run's current
   * one where given; `ending` takes the lease only to end the run, so it does not count as started.
   */
  claim(
    id: string,
    claim: { now: number; leaseUntil: number; handoff?: number; ending?: boolean },
  ): Promise<ClaimResult>;
  /** Extends the lease of this epoch. The run shows cancel requests and signals. */
  renew(id: string, epoch: number, leaseUntil: number): Promise<{ kind: 'renewed'; run: Run } | { kind: 'lost' }>;
  /** Everything a slice starts from. */
  load(id: string): Promise<{
    inputs: JsonObject;
    records: NodeRecord[];
    signals: Signal[];
    startedBy?: string;
    credentials?: Record<string, Credentials>;
  }>;
  /** Writes the record unless the unit has ended, or a later epoch has recorded it; answers with the record that is stored then. */
  recordNode(run: Pick<Run, 'id' | 'tenant'>, record: NodeRecord): Promise<NodeRecord>;
  /**
   * Releases the lease, fenced by the epoch, unless a signal or a cancel request came since `run` was read: then
   * `signaled`. With `handoff` it counts one more handoff, the number of the execution to start.
   */
  suspend(
    run: Run,
    suspension: Suspension,
  ): Promise<{ kind: 'suspended'; run: Run } | { kind: 'signaled' } | { kind: 'lost' }>;
  /** Ends the run, fenced by the epoch, writes one delivery per webhook and drops credentials `once`, in one transaction. */
  settle(
    run: Run,
    settlement: Settlement,
  ): Promise<{ kind: 'settled'; run: Run; deliveries: Delivery[] } | { kind: 'lost' }>;
  /** Nothing is left to do for a settled run: the sweeper does not look at it again. */
  finish(run: Run): Promise<void>;
  /** Keeps the Park's token unless the run is not waiting or a signal came meanwhile: then the Park must be woken at once. */
  park(id: string, park: { handoff: number; token: string }): Promise<{ kind: 'parked' } | { kind: 'awake' }>;
  /** The run as it is then; undefined where there is none. */
  requestCancel(id: string): Promise<Run | undefined>;
  /** Stores the signal unless the path has one (`duplicate`) or the run has ended. */
  signal(
    id: string,
    signal: Signal,
    dueAt: number,
  ): Promise<{ kind: 'stored'; run: Run } | { kind: 'duplicate' } | { kind: 'settled' }>;
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
  deferDelivery(delivery: Delivery, to: { nextAt: number; dueAt: number; deferredAt: number }): Promise<boolean>;
}

/** Per-tenant concurrency: a set of run ids, and the tenant's queue in front of it. */
export interface Slots {
  /** True when the run holds a slot now (idempotent). False when the tenant is full or others are queued. */
  acquire(slot: { tenant: string; runId: string; limit: number; now: number }): Promise<boolean>;
  /** Frees the slot (idempotent); answers how many runs are queued. */
  release(tenant: string, runId: string): Promise<{ queued: number }>;
  /** Puts the run into the tenant's queue, ordered by priority (9 first), then age. Idempotent. */
  enqueue(run: Run): Promise<void>;
  /** Whether the run is in the tenant's queue. */
  isQueued(run: Run): Promise<boolean>;
  /** Takes the run out of the tenant's queue, e.g. because it was canceled. Idempotent. */
  leaveQueue(run: Run): Promise<void>;
  /** Moves as many queued runs as there are free slots into slots; answers their ids, in order. */
  promote(tenant: string, limit: number): Promise<string[]>;
  /** As of about a second ago. */
  occupancy(tenant: string): Promise<{ running: string[]; queued: number; sync: string[] }>;
  /** The same for synchronous calls, which are never queued. */
  enterSync(slot: { tenant: string; runId: string; limit: number; now: number }): Promise<boolean>;
  leaveSync(tenant: string, runId: string): Promise<void>;
  /** When the sweeper reconciles the slots with the runs again; never, where undefined. */
  reconcileAt(tenant: string, dueAt: number | undefined): Promise<void>;
}

export interface Queues {
  /** A message is a hint; the table is the truth. Grouped by tenant (a fair queue). */
  enqueueRuns(messages: { runId: string; tenant: string; delaySeconds?: number }[]): Promise<void>;
  enqueueDeliveries(messages: { run: string; n: number; tenant: string; delaySeconds?: number }[]): Promise<void>;
}

/** The Step Functions machine. */
export interface Machine {
  /** Starts execution `<runId>-<handoff>`; an execution that exists already is fine. `parkSeconds` begins with a Park. */
  start(start: { runId: string; handoff: number; parkSeconds?: number }): Promise<void>;
  /** Completes a Park; false when the token is no longer waited for. */
  wake(token: string): Promise<boolean>;
}
