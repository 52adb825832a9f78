// The faults that are injected into calls of the outside world, and when. Every seed draws its own mixture: some have none, some
// exactly one, some many of one kind.

import type { Chance } from './chance.ts';

export const CALL_FAULTS = [
  'dies before',
  'dies after',
  'freezes before',
  'freezes after',
  /** Refused before it had any effect. */
  'throttled',
  /** It took effect, and the caller receives a failure. */
  'lost',
  /** It took effect, its answer was lost, and the SDK has asked again. */
  'repeated',
  'slow',
  /** An eventually consistent read shows what was. */
  'stale',
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

/** Faults of the services around the processes: queues, schedules, executions. */
export const SERVICE_FAULTS = [
  'message twice',
  'message late',
  'message in vain',
  'sweep skipped',
  'execution lost',
  'wake lost',
  'start throttled',
] as const;
export type ServiceFault = (typeof SERVICE_FAULTS)[number];

export interface Faults {
  /** For a call in which these faults are possible. */
  drawCallFault(possible: readonly CallFault[]): CallFault | undefined;
  happens(fault: ServiceFault): boolean;
  counts: Map<CallFault | ServiceFault | 'poison', number>;
  /** Epoch milliseconds of each. */
  times: number[];
  count(fault: CallFault | ServiceFault | 'poison'): void;
}

const RATES = [0.001, 0.003, 0.01, 0.03];
const ONLY_RATE = 0.05;
const SERVICE_RATES = [0.02, 0.1, 0.3];
const MAX_SINGLE_CALL = 600;
const MIXTURES = ['none', 'one', 'many', 'many', 'many', 'one kind'] as const;
const CALM_AFTER_MS = [10 * 60_000, 60 * 60_000, 6 * 60 * 60_000, 25 * 60 * 60_000];

interface Mixture {
  callFaults: ReadonlySet<CallFault>;
  serviceFaults: ReadonlySet<ServiceFault>;
  rate: number;
  serviceRate: number;
  /** The only call with a fault. */
  single: number | undefined;
}

function drawMixture(chance: Chance, only: CallFault | undefined): Mixture {
  const mixture = chance.pick(MIXTURES);
  const rate = chance.pick(RATES);
  const serviceRate = chance.pick(SERVICE_RATES);
  const half = <Kind>(kinds: readonly Kind[]): Set<Kind> => new Set(kinds.filter(() => chance.happens(0.5)));
  const single = chance.int(1, MAX_SINGLE_CALL);
  const none = {
    callFaults: new Set<CallFault>(),
    serviceFaults: new Set<ServiceFault>(),
    rate: 0,
    serviceRate: 0,
    single: undefined,
  };
  if (only) return { ...none, single: undefined, callFaults: new Set([only]), rate: ONLY_RATE };
  if (mixture === 'none') return none;
  if (mixture === 'one') return { ...none, callFaults: new Set([chance.pick(CALL_FAULTS)]), single };
  if (mixture === 'one kind') return { ...none, callFaults: new Set([chance.pick(CALL_FAULTS)]), rate: rate * 2 };
  return { callFaults: half(CALL_FAULTS), serviceFaults: half(SERVICE_FAULTS), rate, serviceRate, single: undefined };
}

/** `only` leaves nothing else to chance. */
export function makeFaults(
  chance: Chance,
  { now, startAt, only }: { now(): number; startAt: number; only: CallFault | undefined },
): Faults {
  const { callFaults, serviceFaults, rate, serviceRate, single } = drawMixture(chance, only);
  const calmAt = startAt + chance.pick(CALM_AFTER_MS);
  const counts: Faults['counts'] = new Map();
  const times: number[] = [];
  let calls = 0;
  let isSpent = false;

  function count(fault: CallFault | ServiceFault | 'poison'): void {
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
    drawCallFault(possible) {
      calls += 1;
      if (now() > calmAt || !isTime()) return undefined;
      const kinds = possible.filter((it) => callFaults.has(it));
      if (kinds.length === 0) return undefined;
      isSpent = true;
      const fault = chance.pick(kinds);
      count(fault);
      return fault;
    },
    happens(fault) {
      if (now() > calmAt || !serviceFaults.has(fault) || !chance.happens(serviceRate)) return false;
      count(fault);
      return true;
    },
  };
}
