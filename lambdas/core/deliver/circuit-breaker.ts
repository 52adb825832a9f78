// A circuit breaker per receiver: while a receiver does not answer, its attempts are deferred, so that a dead or slow one
// does not block the workers that other deliveries need. The state is in memory: every instance has its own, and there is
// no shared state to maintain.

import { WEBHOOK_TIMEOUT_SECONDS } from '../limits.ts';
import type { Delivery } from '../run.ts';

export interface CircuitBreaker {
  /** Until when the circuit is open. Undefined: the caller may make an attempt, and then records its result. */
  openUntil(delivery: Delivery, now: number): number | undefined;
  /** The receiver answered, with any status. */
  recordSuccess(delivery: Delivery): void;
  /** The receiver did not answer. */
  recordFailure(delivery: Delivery, now: number): void;
}

interface Circuit {
  /** In a row. */
  failures: number;
  openMs: number;
  openUntil: number;
  /** One attempt, the probe, is under way. */
  isHalfOpen: boolean;
}

export const FAILURES_TO_OPEN = 5;
const FIRST_OPEN_MS = 5_000;
export const MAX_OPEN_MS = 120_000;
// Other attempts are deferred for as long as a probe may take. If the probe never reports back, the next attempt probes.
const HALF_OPEN_MS = (WEBHOOK_TIMEOUT_SECONDS + 1) * 1_000;
const MAX_CIRCUITS = 1_000;

export function makeCircuitBreaker(): CircuitBreaker {
  const circuits = new Map<string, Circuit>();
  return {
    openUntil(delivery, now) {
      const circuit = circuits.get(buildCircuitKey(delivery));
      if (!circuit || circuit.failures < FAILURES_TO_OPEN) return undefined;
      if (now < circuit.openUntil) return circuit.openUntil;
      circuit.isHalfOpen = true;
      circuit.openUntil = now + HALF_OPEN_MS;
      return undefined;
    },

    recordSuccess(delivery) {
      circuits.delete(buildCircuitKey(delivery));
    },

    recordFailure(delivery, now) {
      const key = buildCircuitKey(delivery);
      const circuit = circuits.get(key) ?? { failures: 0, openMs: 0, openUntil: 0, isHalfOpen: false };
      circuit.failures += 1;
      // Attempts that were under way when the circuit opened add nothing: only a failed probe makes the time longer.
      if (circuit.failures === FAILURES_TO_OPEN || circuit.isHalfOpen) {
        circuit.openMs = Math.min(Math.max(FIRST_OPEN_MS, 2 * circuit.openMs), MAX_OPEN_MS);
        circuit.isHalfOpen = false;
        circuit.openUntil = now + circuit.openMs;
      }
      // The receiver whose last failure is oldest is removed first.
      circuits.delete(key);
      circuits.set(key, circuit);
      const [oldest] = circuits.keys();
      if (circuits.size > MAX_CIRCUITS && oldest !== undefined) circuits.delete(oldest);
    },
  };
}

// By tenant, because receivers of many tenants may share a host: a slow receiver of one tenant must not defer the
// deliveries of others.
function buildCircuitKey({ tenant, url }: Delivery): string {
  return `${tenant} ${URL.parse(url)?.origin}`;
}
