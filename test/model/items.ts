// The items of a state, with the names of the table's items and attributes: what is stored, what is on its way and where
// each process is, one byte per attribute. Those marked "ghost" exist only for the invariants.

import { FAULTS } from './scenarios.ts';
import { STEP, type Step } from './steps.ts';

const WORKERS = 2;

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

export const RUN_FIELDS = [
  ...['status', 'epoch', 'lease', 'cancelRequested', 'signals', 'seenSignals', 'stint'],
  // The due entry; messages in the runs queue: of the first stint, and of the one after the wait.
  ...['due', 'messages', 'wakeMessages'],
  // Ghost: a cancel was requested while nobody held the run.
  'canceledWhileIdle',
] as const;
/** `RUN#<id>`, `RUN`, and what is in the runs queue for it. */
export class RunItem extends defineView(RUN_FIELDS) {}

export const PROCESS_FIELDS = [
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
export const PROCESSES = 4;
export const CANCELLER = 3;
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
export const SETTLEMENT_FIELDS = ['epoch', 'last', 'inline', 'outputs'] as const;
/** What the flip wrote. `outputs` is a ghost: those that the process had, wherever it stored them. */
export class Settlement extends defineView(SETTLEMENT_FIELDS) {}

export const DELIVERY_FIELDS = ['dv', 'tries0', 'tries1', 'messages', 'received'] as const;
/** `d1`, `d2`, `dv` of the run; bits of webhooks: a message in the deliveries queue, and (ghost) the receiver has it. */
export class Deliveries extends defineView(DELIVERY_FIELDS) {
  getTries(webhook: number): number {
    return webhook === 0 ? this.tries0 : this.tries1;
  }

  setTries(webhook: number, tries: number): void {
    if (webhook === 0) this.tries0 = tries;
    else this.tries1 = tries;
  }
}

export const SLOT_FIELDS = ['running', 'queued', 'qv', 'queue'] as const;
/** The `SLOT#` row, and as `queue` its `Q#` items. `running` and `queue` are bits of places (slots.ts). */
export class Slots extends defineView(SLOT_FIELDS) {}

export const SIGNAL_FIELDS = ['item', 'senderSteps'] as const;
/** `SIG#`, and how far its sender is. */
export class Signal extends defineView(SIGNAL_FIELDS) {}

export const FOLLOWER_FIELDS = ['entries', 'end', 'isFinished'] as const;
/** How many entries a follower has shown; `last` + 1 once it has read the settled run; whether it has shown the end. */
export class Follower extends defineView(FOLLOWER_FIELDS) {}

export class Faults extends defineView(FAULTS) {}
