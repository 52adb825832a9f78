// Invokes functions on schedules: once at boot, then every period.

import type { Schedule } from './blueprint/triggers.ts';

/** Runs until the signal is aborted. */
export function startSchedules(
  schedules: Schedule[],
  invoke: (functionName: string, payload: string) => Promise<unknown>,
  signal: AbortSignal,
): void {
  for (const { functionName, periodSeconds, input } of schedules) {
    // Failures are logged with the invocation; the next period is the retry.
    const run = () => void invoke(functionName, input).catch(() => {});
    const timer = setInterval(run, periodSeconds * 1_000);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    run();
  }
}
