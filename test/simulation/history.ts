// What happened, step by step: a hash of it for every seed, the steps themselves for whoever replays one.

import { createHash } from 'node:crypto';

export interface History {
  note(at: number, text: string): void;
  /** Of everything noted so far. */
  hash(): string;
  steps(): number;
}

export function makeHistory({ startAt, print }: { startAt: number; print?: (line: string) => void }): History {
  const hash = createHash('sha256');
  let steps = 0;
  return {
    note(at, text) {
      steps += 1;
      const line = `${((at - startAt) / 1_000).toFixed(3).padStart(11)} ${text}`;
      hash.update(`${line}\n`);
      print?.(line);
    },
    hash: () => hash.copy().digest('hex').slice(0, 16),
    steps: () => steps,
  };
}
