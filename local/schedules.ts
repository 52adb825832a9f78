// Invokes functions on schedules: at boot, once more when the leases of a killed runtime have run out, then every period.

import { LEASE_SECONDS } from '../lambdas/core/limits.ts';
import type { Schedule } from './blueprint/triggers.ts';

const CATCH_UP_MS = (LEASE_SECONDS + 2) * 1_000;

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
    const catchUp = setTimeout(run, CATCH_UP_MS);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(timer);
        clearTimeout(catchUp);
      },
      { once: true },
    );
    run();
  }
}
