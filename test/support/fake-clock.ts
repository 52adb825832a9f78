// A clock that does not move until a test moves it. A sleeper wakes when the time it waits for has come.

import type { Clock } from '../../lambdas/core/ports/ports.ts';

export interface FakeClock extends Clock {
  /** Moves the time and wakes whoever is due, in order. */
  advance(ms: number): void;
}

export function makeFakeClock(startAt = Date.parse('2026-01-02T03:04:05.678Z')): FakeClock {
  let now = startAt;
  let sleepers: { until: number; wake: () => void }[] = [];

  function wakeDue(): void {
    const due = sleepers.filter((sleeper) => sleeper.until <= now).sort((a, b) => a.until - b.until);
    sleepers = sleepers.filter((sleeper) => sleeper.until > now);
    for (const sleeper of due) sleeper.wake();
  }

  return {
    now: () => now,
    advance(ms) {
      now += ms;
      wakeDue();
    },
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        sleepers.push({ until: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
}
