// A standard queue of SQS and the function behind it: at least once, in any order, late, twice, in vain. A message that failed
// comes again after its visibility timeout; one that failed too often becomes a dead letter.

import { MAX_CRASHES, QUEUE_DELAY_MAX_SECONDS } from '../../lambdas/core/limits.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { spawn } from './process.ts';
import type { World } from './world.ts';

export interface Queue<Message> {
  send(message: Message, delaySeconds?: number): void;
}

interface Consumer<Message> {
  role: string;
  timeoutMs: number;
  visibilityMs: number;
  batchSize: number;
  maxConcurrency: number;
  handle(ports: Ports, message: Message): Promise<unknown>;
}

interface QueuedMessage<Message> {
  message: Message;
  receives: number;
  isGone: boolean;
}

// Long polling collects what comes within a moment.
const GATHER_MS = 60;
const LATE_MS = 4 * 60_000;
const TWICE_MS = 90_000;
const BUSY_MS = 1_000;

export function makeQueue<Message>(world: World, consumer: Consumer<Message>): Queue<Message> {
  const { timeline, chance, faults } = world;
  let visible: QueuedMessage<Message>[] = [];
  let running = 0;
  let isGathering = false;

  function makeVisible(entry: QueuedMessage<Message>): void {
    if (entry.isGone) return;
    visible.push(entry);
    gather(chance.int(0, GATHER_MS));
  }
  function gather(ms: number): void {
    if (isGathering) return;
    isGathering = true;
    timeline.after(ms, () => {
      isGathering = false;
      if (running >= consumer.maxConcurrency) return gather(BUSY_MS);
      receive();
    });
  }
  function remove(entry: QueuedMessage<Message>): void {
    if (entry.isGone) return;
    entry.isGone = true;
    world.busy -= 1;
  }
  function receive(): void {
    const batch: QueuedMessage<Message>[] = [];
    while (visible.length > 0 && batch.length < consumer.batchSize) {
      const [entry] = visible.splice(chance.int(0, visible.length - 1), 1);
      if (entry && !entry.isGone && !batch.includes(entry)) batch.push(entry);
    }
    visible = visible.filter((it) => !it.isGone);
    if (visible.length > 0) gather(chance.int(0, GATHER_MS));
    const received = batch.filter((entry) => {
      entry.receives += 1;
      if (entry.receives > MAX_CRASHES) {
        world.deadLetters += 1;
        remove(entry);
      }
      return !entry.isGone;
    });
    if (received.length > 0) void work(received);
  }
  async function work(batch: QueuedMessage<Message>[]): Promise<void> {
    const retry = (entry: QueuedMessage<Message>) => timeline.after(consumer.visibilityMs, () => makeVisible(entry));
    if (faults.happens('message in vain')) return batch.forEach(retry);
    running += 1;
    const failed = new Set(batch);
    const end = await spawn(world, consumer, (ports) =>
      Promise.all(
        batch.map((entry) =>
          consumer.handle(ports, entry.message).then(
            () => failed.delete(entry),
            (error) => world.history.note(timeline.now(), `a message of ${consumer.role} fails: ${String(error)}`),
          ),
        ),
      ),
    );
    running -= 1;
    for (const entry of batch) {
      if (end === 'done' && !failed.has(entry)) remove(entry);
      else retry(entry);
    }
  }

  return {
    send(message, delaySeconds = 0) {
      const entry = { message, receives: 0, isGone: false };
      world.busy += 1;
      const lateMs = faults.happens('message late') ? chance.int(0, LATE_MS) : chance.int(1, 40);
      const delayMs = Math.min(delaySeconds, QUEUE_DELAY_MAX_SECONDS) * 1_000 + lateMs;
      timeline.after(delayMs, () => makeVisible(entry));
      if (faults.happens('message twice')) timeline.after(delayMs + chance.int(0, TWICE_MS), () => makeVisible(entry));
    },
  };
}
