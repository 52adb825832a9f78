// Leaves alone for a while whoever does not answer, so that a dead or hanging receiver does not hold the workers that
// others need. Known to this process only: every instance learns for itself, and nothing shared must be kept alive.

import { WEBHOOK_TIMEOUT_SECONDS } from '../limits.ts';
import type { Delivery } from '../run.ts';

export interface Circuits {
  /** Until when the receiver is left alone; undefined: whoever asks may try it, and tells what came of it. */
  restsUntil(delivery: Delivery, now: number): number | undefined;
  /** It answered, whatever it said. */
  heard(delivery: Delivery): void;
  /** No answer came. */
  missed(delivery: Delivery, now: number): void;
}

interface Circuit {
  /** One after another. */
  misses: number;
  restMs: number;
  until: number;
  isProbed: boolean;
}

export const MISSES_TO_REST = 5;
const FIRST_REST_MS = 5_000;
export const LONGEST_REST_MS = 120_000;
// Others are put off for as long as a probe may take; one that died with its process leaves the next to probe.
const PROBE_MS = (WEBHOOK_TIMEOUT_SECONDS + 1) * 1_000;
const MAX_CIRCUITS = 1_000;

export function makeCircuits(): Circuits {
  const circuits = new Map<string, Circuit>();
  return {
    restsUntil(delivery, now) {
      const circuit = circuits.get(nameOf(delivery));
      if (!circuit || circuit.misses < MISSES_TO_REST) return undefined;
      if (now < circuit.until) return circuit.until;
      Object.assign(circuit, { isProbed: true, until: now + PROBE_MS });
      return undefined;
    },

    heard(delivery) {
      circuits.delete(nameOf(delivery));
    },

    missed(delivery, now) {
      const name = nameOf(delivery);
      const circuit = circuits.get(name) ?? { misses: 0, restMs: 0, until: 0, isProbed: false };
      circuit.misses += 1;
      // Attempts that were under way when the rest began say nothing new: only a probe makes it longer.
      if (circuit.misses === MISSES_TO_REST || circuit.isProbed) {
        circuit.restMs = Math.min(Math.max(FIRST_REST_MS, 2 * circuit.restMs), LONGEST_REST_MS);
        Object.assign(circuit, { isProbed: false, until: now + circuit.restMs });
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
function nameOf({ tenant, url }: Delivery): string {
  return `${tenant} ${URL.parse(url)?.origin}`;
}
