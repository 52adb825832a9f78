// A standard queue of SQS and the function behind it: at least once, in any order, late, twice, in vain; what failed comes
// again after its visibility timeout, and too often goes to the dead letters.

import { MAX_CRASHES, QUEUE_DELAY_MAX_SECONDS } from '../../lambdas/core/limits.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { spawn } from './process.ts';
import type { World } from './world.ts';

export interface Doorbell<Message> {
  send(message: Message, delaySeconds?: number): void;
}

interface Kind<Message> {
  role: string;
  timeoutMs: number;
  visibilityMs: number;
  batchSize: number;
  maxConcurrency: number;
  answer(ports: Ports, message: Message): Promise<unknown>;
}

interface Letter<Message> {
  message: Message;
  receives: number;
  isGone: boolean;
}

// Long polling gathers what comes within a moment.
const GATHER_MS = 60;
const LATE_MS = 4 * 60_000;
const TWICE_MS = 90_000;
const BUSY_MS = 1_000;

export function makeDoorbell<Message>(world: World, kind: Kind<Message>): Doorbell<Message> {
  const { timeline, chance, faults } = world;
  let visible: Letter<Message>[] = [];
  let running = 0;
  let isGathering = false;

  function show(letter: Letter<Message>): void {
    if (letter.isGone) return;
    visible.push(letter);
    gather(chance.int(0, GATHER_MS));
  }
  function gather(ms: number): void {
    if (isGathering) return;
    isGathering = true;
    timeline.after(ms, () => {
      isGathering = false;
      if (running >= kind.maxConcurrency) return gather(BUSY_MS);
      receive();
    });
  }
  function forget(letter: Letter<Message>): void {
    if (letter.isGone) return;
    letter.isGone = true;
    world.busy -= 1;
  }
  function receive(): void {
    const batch: Letter<Message>[] = [];
    while (visible.length > 0 && batch.length < kind.batchSize) {
      const [letter] = visible.splice(chance.int(0, visible.length - 1), 1);
      if (letter && !letter.isGone && !batch.includes(letter)) batch.push(letter);
    }
    visible = visible.filter((it) => !it.isGone);
    if (visible.length > 0) gather(chance.int(0, GATHER_MS));
    const taken = batch.filter((letter) => {
      letter.receives += 1;
      if (letter.receives > MAX_CRASHES) {
        world.deadLetters += 1;
        forget(letter);
      }
      return !letter.isGone;
    });
    if (taken.length > 0) void work(taken);
  }
  async function work(batch: Letter<Message>[]): Promise<void> {
    const comesAgain = (letter: Letter<Message>) => timeline.after(kind.visibilityMs, () => show(letter));
    if (faults.befalls('message in vain')) return batch.forEach(comesAgain);
    running += 1;
    const failed = new Set(batch);
    const end = await spawn(world, kind, (ports) =>
      Promise.all(
        batch.map((letter) =>
          kind.answer(ports, letter.message).then(
            () => failed.delete(letter),
            (error) => world.history.note(timeline.now(), `a message of ${kind.role} fails: ${String(error)}`),
          ),
        ),
      ),
    );
    running -= 1;
    for (const letter of batch) {
      if (end === 'done' && !failed.has(letter)) forget(letter);
      else comesAgain(letter);
    }
  }

  return {
    send(message, delaySeconds = 0) {
      const letter = { message, receives: 0, isGone: false };
      world.busy += 1;
      const lateMs = faults.befalls('message late') ? chance.int(0, LATE_MS) : chance.int(1, 40);
      const delayMs = Math.min(delaySeconds, QUEUE_DELAY_MAX_SECONDS) * 1_000 + lateMs;
      timeline.after(delayMs, () => show(letter));
      if (faults.befalls('message twice')) timeline.after(delayMs + chance.int(0, TWICE_MS), () => show(letter));
    },
  };
}
