// Virtual time: what is to happen, one thing after another, each with everything that follows from it at once.
// What falls on the same moment happens in an order drawn by chance.

import { setImmediate as turn } from 'node:timers/promises';
import type { Chance } from './chance.ts';

export interface Timeline {
  /** Epoch milliseconds. */
  now(): number;
  /** `act` may say false: nothing came of it. */
  after(ms: number, act: () => unknown): void;
  sleep(ms: number): Promise<void>;
  /** Until nothing is left to happen, the time has come, or `isOver` says so. */
  run(untilMs: number, isOver: () => boolean): Promise<void>;
}

interface Moment {
  at: number;
  tie: number;
  act: () => unknown;
}

const isBefore = (a: Moment, b: Moment): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);

/** A binary heap: the earliest moment is first. */
function makeAgenda() {
  const heap: Moment[] = [];
  const swap = (a: number, b: number): void => {
    [heap[a], heap[b]] = [heap[b] as Moment, heap[a] as Moment];
  };
  const comesFirst = (a: number, b: number): boolean => isBefore(heap[a] as Moment, heap[b] as Moment);

  function sink(): void {
    for (let parent = 0; ; ) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && comesFirst(child, least)) least = child;
      }
      if (least === parent) return;
      swap(parent, least);
      parent = least;
    }
  }

  return {
    push(moment: Moment): void {
      heap.push(moment);
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1;
        if (!comesFirst(child, parent)) return;
        swap(parent, child);
        child = parent;
      }
    },
    pop(): Moment | undefined {
      const [first] = heap;
      const last = heap.pop();
      if (last === undefined || first === undefined || heap.length === 0) return first;
      heap[0] = last;
      sink();
      return first;
    },
  };
}

export function makeTimeline(chance: Chance, startAt: number): Timeline {
  const agenda = makeAgenda();
  let now = startAt;

  function after(ms: number, act: () => unknown): void {
    agenda.push({ at: now + Math.max(0, ms), tie: chance.random(), act });
  }

  return {
    now: () => now,
    after,
    sleep: (ms) => new Promise((resolve) => after(ms, () => resolve())),
    async run(untilMs, isOver) {
      for (let next = agenda.pop(); next && next.at <= untilMs && !isOver(); next = agenda.pop()) {
        now = next.at;
        // Everything else is promises, and those have all been kept after a turn of the event loop.
        if (next.act() !== false) await turn();
      }
    },
  };
}
