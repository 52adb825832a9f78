// The layout of a state: what is stored, what is on its way and where each process is, one byte per field. The moves read
// and write it through views that have the names of docs/decisions/0012. Fields marked "ghost" exist only for invariants.

import type { BrokenVariant } from './broken-variants.ts';
import { FAULTS, type Scenario } from './scenarios.ts';
import { STEP, type Step } from './steps.ts';

export const MAX_RUNS = 4;
export const MAX_LOG_ENTRIES = 8;
const MAX_EPOCH = 8;
const WORKERS = 2;

/** The run with nodes, log, webhooks and signals. The other runs only compete with it for slots. */
export const DETAILED_RUN = 0;

export const STATUS = { pending: 0, running: 1, succeeded: 2, canceled: 3, waiting: 4 } as const;
export const LEASE = { none: 0, live: 1, dead: 2 } as const;

/** In place of a number of tries. */
export const DELIVERED = 3;

export const bit = (n: number): number => 1 << n;
export const isSettled = (status: number): boolean => status === STATUS.succeeded || status === STATUS.canceled;

export function countBits(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** A class whose fields are consecutive bytes. */
function defineView<const Fields extends readonly string[]>(fields: Fields) {
  class View {
    readonly bytes: Uint8Array;
    readonly start: number;

    constructor(bytes: Uint8Array, start: number) {
      this.bytes = bytes;
      this.start = start;
    }
  }
  for (const [offset, name] of fields.entries()) {
    Object.defineProperty(View.prototype, name, {
      get(this: View) {
        return this.bytes[this.start + offset];
      },
      set(this: View, value: number) {
        this.bytes[this.start + offset] = value;
      },
    });
  }
  type Instance = View & Record<Fields[number], number>;
  return View as unknown as { new (bytes: Uint8Array, start: number): Instance };
}

const RUN_FIELDS = [
  ...['status', 'epoch', 'lease', 'cancelRequested', 'signals', 'seenSignals', 'stint'],
  // The due entry; messages in the runs queue: of the first stint, and of the one after the wait.
  ...['due', 'messages', 'wakeMessages'],
  // Ghost: a cancel was requested while nobody held the run.
  'canceledWhileIdle',
] as const;
/** `RUN#<id>`, `RUN`, and what is in the runs queue for it. */
export class RunItem extends defineView(RUN_FIELDS) {}

const PROCESS_FIELDS = [
  ...['step', 'run', 'epoch', 'lastEntry', 'value0', 'value1'],
  // Nodes that ended and are not in the log yet. The end it will flip to, 0 where none is decided.
  ...['unrecorded', 'end'],
  // Of a promotion: the version of `queued` that it read, the head of the queue, the step that comes after it.
  ...['queueVersion', 'head', 'after'],
  // Of attempts: the version of `d1`, `d2` that it read, the webhooks wanted, their outcomes, the tries it read.
  ...['dv', 'wanted', 'succeeded', 'failed', 'triesRead'],
  // The signals it has seen, the answer it has loaded, the stint of its message.
  ...['signalsSeen', 'answer', 'stint'],
] as const;
/** A process and what it has in memory: a crash loses it. */
export class Process extends defineView(PROCESS_FIELDS) {
  readonly index: number;
  readonly isWorker: boolean;
  readonly name: string;

  constructor(bytes: Uint8Array, start: number, index: number) {
    super(bytes, start);
    this.index = index;
    this.isWorker = index < WORKERS;
    this.name = ['worker 1', 'worker 2', 'sweeper', 'canceller'][index] ?? '';
  }

  /** An idle process has nothing in memory. */
  goTo(step: Step): void {
    if (step === STEP.idle) this.bytes.fill(0, this.start, this.start + PROCESS_FIELDS.length);
    this.step = step;
  }

  /** The epoch whose result of a node it has, 0 where it has none: another epoch would have another result. */
  getValue(node: number): number {
    return node === 0 ? this.value0 : this.value1;
  }

  setValue(node: number, epoch: number): void {
    if (node === 0) this.value0 = epoch;
    else this.value1 = epoch;
  }

  /** What outputs and records are made of: both results. */
  get outputs(): number {
    return this.value0 * 8 + this.value1;
  }
}
export const PROCESSES = 4;
export const CANCELLER = 3;

const SETTLEMENT_FIELDS = ['epoch', 'last', 'inline', 'outputs'] as const;
/** What the flip wrote. `outputs` is a ghost: those that the process had, wherever it stored them. */
class Settlement extends defineView(SETTLEMENT_FIELDS) {}

const DELIVERY_FIELDS = ['dv', 'tries0', 'tries1', 'messages', 'received'] as const;
/** `d1`, `d2`, `dv` of the run; bits of webhooks: a message in the deliveries queue, and (ghost) the receiver has it. */
class Deliveries extends defineView(DELIVERY_FIELDS) {
  getTries(webhook: number): number {
    return webhook === 0 ? this.tries0 : this.tries1;
  }

  setTries(webhook: number, tries: number): void {
    if (webhook === 0) this.tries0 = tries;
    else this.tries1 = tries;
  }
}

const SLOT_FIELDS = ['running', 'queued', 'qv', 'queue'] as const;
/** The `SLOT#` row, and as `queue` its `Q#` items. `running` and `queue` are bits of places (slots.ts). */
class Slots extends defineView(SLOT_FIELDS) {}

const SIGNAL_FIELDS = ['item', 'senderSteps'] as const;
/** `SIG#`, and how far its sender is. */
class Signal extends defineView(SIGNAL_FIELDS) {}

/** What a follower has shown, `end` is `last` + 1 once it has read the settled run. The entries come behind. */
const FOLLOWER_FIELDS = ['entries', 'end', 'isFinished'] as const;
class Follower extends defineView(FOLLOWER_FIELDS) {}

class Faults extends defineView(FAULTS) {}

let size = 0;
const reserve = (bytes: number): number => {
  size += bytes;
  return size - bytes;
};
const RUNS_AT = reserve(MAX_RUNS * RUN_FIELDS.length);
const PROCESSES_AT = reserve(PROCESSES * PROCESS_FIELDS.length);
const SETTLEMENT_AT = reserve(SETTLEMENT_FIELDS.length);
const DELIVERIES_AT = reserve(DELIVERY_FIELDS.length);
const SLOTS_AT = reserve(SLOT_FIELDS.length);
const SIGNAL_AT = reserve(SIGNAL_FIELDS.length);
const FAULTS_AT = reserve(FAULTS.length);
const FOLLOWER_AT = reserve(FOLLOWER_FIELDS.length);
// All three are counted from 1.
const SHOWN_AT = reserve(MAX_LOG_ENTRIES + 1);
const LOG_AT = reserve(MAX_LOG_ENTRIES + 1);
const OUTPUTS_AT = reserve(MAX_EPOCH + 1);
const EFFECTS_AT = reserve(1);

/** Length of a state in words of 32 bits. */
export const STATE_WORDS = Math.ceil(size / 4);

export class World {
  readonly scenario: Scenario;
  /** The rule that the protocol lacks here. */
  readonly broken: BrokenVariant | undefined;
  readonly words = new Uint32Array(STATE_WORDS);
  readonly bytes = new Uint8Array(this.words.buffer);
  readonly runs = Array.from({ length: MAX_RUNS }, (_, r) => new RunItem(this.bytes, RUNS_AT + r * RUN_FIELDS.length));
  readonly processes = Array.from(
    { length: PROCESSES },
    (_, p) => new Process(this.bytes, PROCESSES_AT + p * PROCESS_FIELDS.length, p),
  );
  readonly settlement = new Settlement(this.bytes, SETTLEMENT_AT);
  readonly deliveries = new Deliveries(this.bytes, DELIVERIES_AT);
  readonly slots = new Slots(this.bytes, SLOTS_AT);
  readonly signal = new Signal(this.bytes, SIGNAL_AT);
  readonly faults = new Faults(this.bytes, FAULTS_AT);
  readonly follower = new Follower(this.bytes, FOLLOWER_AT);
  /** The invariant that a move has broken. */
  violation: string | undefined;

  constructor(scenario: Scenario, broken?: BrokenVariant) {
    this.scenario = scenario;
    this.broken = broken;
  }

  /** The first state: every run is accepted and enqueued. */
  reset(): void {
    this.bytes.fill(0);
    for (let r = 0; r < this.scenario.runs; r += 1) {
      const run = this.getRun(r);
      run.due = 1;
      run.messages = 1;
    }
    for (const name of FAULTS) this.faults[name] = this.scenario.faults[name] ?? 0;
  }

  copy(other: World): void {
    this.words.set(other.words);
    this.violation = undefined;
  }

  isBroken(variant: BrokenVariant): boolean {
    return this.broken === variant;
  }

  getRun(r: number): RunItem {
    return this.runs[r] as RunItem;
  }

  getProcess(p: number): Process {
    return this.processes[p] as Process;
  }

  /** `LOG#<k>`: 0 where nothing is put, else an entry as log.ts builds it. */
  getEntry(k: number): number {
    return this.bytes[LOG_AT + k] as number;
  }

  putEntry(k: number, entry: number): void {
    this.bytes[LOG_AT + k] = entry;
  }

  /** `END#<epoch>`. */
  getOutputs(epoch: number): number {
    return this.bytes[OUTPUTS_AT + epoch] as number;
  }

  putOutputs(epoch: number, outputs: number): void {
    this.bytes[OUTPUTS_AT + epoch] = outputs;
  }

  getShownEntry(k: number): number {
    return this.bytes[SHOWN_AT + k] as number;
  }

  setShownEntry(k: number, entry: number): void {
    this.bytes[SHOWN_AT + k] = entry;
  }

  /** Ghost: how often an effect took place. */
  get effects(): number {
    return this.bytes[EFFECTS_AT] as number;
  }

  set effects(times: number) {
    this.bytes[EFFECTS_AT] = times;
  }

  /** An event is a fault if it uses one up. */
  countFaultsLeft(): number {
    let left = 0;
    for (let i = FAULTS_AT; i < FAULTS_AT + FAULTS.length; i += 1) left += this.bytes[i] as number;
    return left;
  }
}
