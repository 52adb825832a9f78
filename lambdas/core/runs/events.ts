// The events that a running slice emits, and the numbers that order them. None of them is stored: they can be derived
// from the records (runs/replay.ts), except for text that is still being written.

import type { Failure } from '../errors.ts';
import type { NodeRecord, NodeWait, Run } from '../run.ts';

export type RunEvent =
  | { type: 'run.started'; run: Run }
  | { type: 'node.started'; at: number; path: string; node: string; nodeType: string }
  /** `isWhole`: all of a node's text at once, for a reader who was not there while it was written. */
  | { type: 'node.delta'; at: number; path: string; text: string; isWhole?: true }
  | { type: 'node.retrying'; at: number; path: string; attempt: number; error: Failure; delayMs: number }
  | { type: 'node.waiting'; at: number; path: string; wait: NodeWait }
  | { type: 'node.finished'; at: number; record: NodeRecord }
  | { type: 'run.waiting'; run: Run }
  | { type: 'run.finished'; run: Run };

export type NumberedEvent = RunEvent & { seq: number };

export type Emit = (event: NumberedEvent) => void;

// Numbers rise from lease to lease: what only a dead process has emitted lies below everything that its successor emits,
// so a caller who resumes from there skips nothing.
const NUMBERS_PER_EPOCH = 1_000_000;

export const STARTED_SEQ = 1;
/** A run is suspended at most once per epoch, after everything else of it; it ends once. */
export const waitingSeq = (epoch: number): number => (epoch + 1) * NUMBERS_PER_EPOCH - 2;
export const endedSeq = (epoch: number): number => (epoch + 1) * NUMBERS_PER_EPOCH - 1;

export interface Sequence {
  /** The next number. Two before it are left free: `replay` puts a unit's start and its text in front of its end. */
  next(): number;
}

export function makeSequence(epoch: number): Sequence {
  let last = epoch * NUMBERS_PER_EPOCH;
  return {
    next() {
      last = Math.min(last + 3, waitingSeq(epoch) - 1);
      return last;
    },
  };
}

/** A record bears its own number, given when it was written; everything else gets the next one. */
export function numberEvent(event: RunEvent, sequence: Sequence, epoch: number): number {
  switch (event.type) {
    case 'run.started':
      return STARTED_SEQ;
    case 'run.waiting':
      return waitingSeq(event.run.epoch);
    case 'run.finished':
      return endedSeq(event.run.epoch);
    case 'node.finished':
      // Of a unit that another slice ended first, the number is in the past.
      return event.record.epoch === epoch ? event.record.seq : sequence.next();
    default:
      return sequence.next();
  }
}
