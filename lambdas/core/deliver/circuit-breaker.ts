// Leaves alone for a while whoever does not answer, so that a dead or hanging receiver does not hold the workers that
// others need. Known to this process only: every instance learns for itself, and nothing shared must be kept alive.

import { WEBHOOK_TIMEOUT_SECONDS } from '../limits.ts';
import type { Delivery } from '../run.ts';

export interface CircuitBreaker {
  /** Until when the receiver is left alone; undefined: whoever asks may try it, and tells what came of it. */
  openUntil(delivery: Delivery, now: number): number | undefined;
  /** It answered, whatever it said. */
  recordSuccess(delivery: Delivery): void;
  /** No answer came. */
  recordFailure(delivery: Delivery, now: number): void;
}

interface Circuit {
  /** One after another. */
  failures: number;
  openMs: number;
  openUntil: number;
  isHalfOpen: boolean;
}

export const FAILURES_TO_OPEN = 5;
const FIRST_OPEN_MS = 5_000;
export const MAX_OPEN_MS = 120_000;
// Others are put off for as long as a probe may take; one that died with its process leaves the next to probe.
const HALF_OPEN_MS = (WEBHOOK_TIMEOUT_SECONDS + 1) * 1_000;
const MAX_CIRCUITS = 1_000;

export function makeCircuitBreaker(): CircuitBreaker {
  const circuits = new Map<string, Circuit>();
  return {
    openUntil(delivery, now) {
      const circuit = circuits.get(buildCircuitKey(delivery));
      if (!circuit || circuit.failures < FAILURES_TO_OPEN) return undefined;
      if (now < circuit.openUntil) return circuit.openUntil;
      Object.assign(circuit, { isProbed: true, until: now + HALF_OPEN_MS });
      return undefined;
    },

    recordSuccess(delivery) {
      circuits.delete(buildCircuitKey(delivery));
    },

    recordFailure(delivery, now) {
      const name = buildCircuitKey(delivery);
      const circuit = circuits.get(name) ?? { failures: 0, openMs: 0, openUntil: 0, isHalfOpen: false };
      circuit.failures += 1;
      // Attempts that were under way when the rest began say nothing new: only a probe makes it longer.
      if (circuit.failures === FAILURES_TO_OPEN || circuit.isHalfOpen) {
        circuit.openMs = Math.min(Math.max(FIRST_OPEN_MS, 2 * circuit.openMs), MAX_OPEN_MS);
        Object.assign(circuit, { isProbed: false, until: now + circuit.openMs });
      }
      // The one that was missed longest ago is forgotten first.
      circuits.delete(name);
      circuits.set(name, circuit);
      const [oldest] = circuits.keys();
      if (circuits.size > MAX_CIRCUITS && oldest !== undefined) circuits.delete(oldest);
    },
  };
}

// By tenant, because many share a host where each has an address of its own: one tenant's address that hangs must not
// put off what others tell theirs.
function buildCircuitKey({ tenant, url }: Delivery): string {
  return `${tenant} ${URL.parse(url)?.origin}`;
}
