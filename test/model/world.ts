// A state as a whole: its layout, one byte per field, and the items in it. The search copies, compares and keeps the bytes.

import type { BrokenVariant } from './broken-variants.ts';
import {
  DELIVERY_FIELDS,
  Deliveries,
  Faults,
  FOLLOWER_FIELDS,
  Follower,
  PROCESS_FIELDS,
  PROCESSES,
  Process,
  RUN_FIELDS,
  RunItem,
  SETTLEMENT_FIELDS,
  Settlement,
  SIGNAL_FIELDS,
  Signal,
  SLOT_FIELDS,
  Slots,
} from './items.ts';
import { FAULTS, type Scenario } from './scenarios.ts';

export const MAX_RUNS = 4;
export const MAX_LOG_ENTRIES = 8;
/** Two results of nodes share a byte. */
const MAX_EPOCH = 7;

/** The run with nodes, log, webhooks and signals. The other runs only compete with it for slots. */
export const DETAILED_RUN = 0;

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
    if (k > MAX_LOG_ENTRIES) throw new RangeError('more log entries than the layout has room for');
    this.bytes[LOG_AT + k] = entry;
  }

  /** `END#<epoch>`. */
  getOutputs(epoch: number): number {
    return this.bytes[OUTPUTS_AT + epoch] as number;
  }

  putOutputs(epoch: number, outputs: number): void {
    if (epoch > MAX_EPOCH) throw new RangeError('more epochs than the layout has room for');
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
