// Waiting for something, but not for ever.

import type { Clock } from '../ports/ports.ts';

/** `undefined` when the time was up first; the timer ends with the wait. */
export async function withTimeout<Value>(
  clock: Clock,
  promise: Promise<Value>,
  ms: number,
): Promise<Value | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, clock.sleep(ms, over.signal).then(() => undefined)]);
  } finally {
    over.abort();
  }
}
