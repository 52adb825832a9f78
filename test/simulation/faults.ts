// What may befall a call of the outside world, and when it does. Every seed draws its own mixture: some have none, some
// exactly one, some many of one kind.

import type { Chance } from './chance.ts';

export const STRIKES = [
  'dies before',
  'dies after',
  'freezes before',
  'freezes after',
  /** Refused before it had any effect. */
  'throttled',
  /** It took effect, and the caller hears of a failure. */
  'lost',
  /** It took effect, its answer was lost, and the SDK has asked again. */
  'repeated',
  'slow',
  /** An eventually consistent read shows what was. */
  'stale',
] as const;
export type Strike = (typeof STRIKES)[number];

/** What happens by itself around the processes. */
export const MISHAPS = [
  'message twice',
  'message late',
  'message in vain',
  'sweep skipped',
  'execution lost',
  'wake lost',
  'start throttled',
] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface Faults {
  /** Of a call that may be struck in these ways. */
  strike(possible: readonly Strike[]): Strike | undefined;
  befalls(mishap: Mishap): boolean;
  counts: Map<Strike | Mishap | 'poison', number>;
  /** Epoch milliseconds of each. */
  times: number[];
  count(fault: Strike | Mishap | 'poison'): void;
}

const RATES = [0.001, 0.003, 0.01, 0.03];
const ONLY_RATE = 0.05;
const MISHAP_RATES = [0.02, 0.1, 0.3];
const MAX_SINGLE_CALL = 600;
const MIXTURES = ['none', 'one', 'many', 'many', 'many', 'one kind'] as const;
const CALM_AFTER_MS = [10 * 60_000, 60 * 60_000, 6 * 60 * 60_000, 25 * 60 * 60_000];

interface Mixture {
  strikes: ReadonlySet<Strike>;
  mishaps: ReadonlySet<Mishap>;
  rate: number;
  mishapRate: number;
  /** The only call that is struck. */
  single: number | undefined;
}

function drawMixture(chance: Chance, only: Strike | undefined): Mixture {
  const mixture = chance.pick(MIXTURES);
  const rate = chance.pick(RATES);
  const mishapRate = chance.pick(MISHAP_RATES);
  const half = <Kind>(kinds: readonly Kind[]): Set<Kind> => new Set(kinds.filter(() => chance.happens(0.5)));
  const single = chance.int(1, MAX_SINGLE_CALL);
  const none = { strikes: new Set<Strike>(), mishaps: new Set<Mishap>(), rate: 0, mishapRate: 0, single: undefined };
  if (only) return { ...none, single: undefined, strikes: new Set([only]), rate: ONLY_RATE };
  if (mixture === 'none') return none;
  if (mixture === 'one') return { ...none, strikes: new Set([chance.pick(STRIKES)]), single };
  if (mixture === 'one kind') return { ...none, strikes: new Set([chance.pick(STRIKES)]), rate: rate * 2 };
  return { strikes: half(STRIKES), mishaps: half(MISHAPS), rate, mishapRate, single: undefined };
}

/** `only` leaves nothing else to chance. */
export function makeFaults(
  chance: Chance,
  { now, startAt, only }: { now(): number; startAt: number; only: Strike | undefined },
): Faults {
  const { strikes, mishaps, rate, mishapRate, single } = drawMixture(chance, only);
  const calmAt = startAt + chance.pick(CALM_AFTER_MS);
  const counts: Faults['counts'] = new Map();
  const times: number[] = [];
  let calls = 0;
  let isSpent = false;

  function count(fault: Strike | Mishap | 'poison'): void {
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    times.push(now());
  }
  function isTime(): boolean {
    if (single === undefined) return chance.happens(rate);
    return calls >= single && !isSpent;
  }

  return {
    counts,
    times,
    count,
    strike(possible) {
      calls += 1;
      if (now() > calmAt || !isTime()) return undefined;
      const kinds = possible.filter((it) => strikes.has(it));
      if (kinds.length === 0) return undefined;
      isSpent = true;
      const strike = chance.pick(kinds);
      count(strike);
      return strike;
    },
    befalls(mishap) {
      if (now() > calmAt || !mishaps.has(mishap) || !chance.happens(mishapRate)) return false;
      count(mishap);
      return true;
    },
  };
}
