// Deliveries: attempts of the webhooks, recorded together in the run's item under their version `dv`.

import { mustHold } from './invariants.ts';
import { bit, DELIVERED, isSettled, type Process } from './items.ts';
import type { Move } from './move.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

const MOST_TRIES = 2;

/** Bits of the webhooks that are not delivered. */
export function findPending({ deliveries, scenario }: World): number {
  let pending = 0;
  for (let n = 0; n < scenario.webhooks; n += 1) if (deliveries.getTries(n) !== DELIVERED) pending |= bit(n);
  return pending;
}

export function postWebhook(world: World, n: number, outcome: number): void {
  const { status } = world.getRun(DETAILED_RUN);
  mustHold(world, 'I3', isSettled(status) && outcome === status);
  world.deliveries.received |= bit(n);
}

export function beginAttempts(world: World, me: Process, wanted: number): Step {
  if (wanted === 0) return STEP.idle;
  me.wanted = wanted;
  me.succeeded = 0;
  me.failed = 0;
  readDeliveries(world, me);
  return STEP.attempt;
}

function readDeliveries({ deliveries }: World, me: Process): void {
  me.dv = deliveries.dv;
  me.triesRead = deliveries.tries0 + 4 * deliveries.tries1;
}

/** A later attempt begins with a read of the run. */
export function readRun(world: World, me: Process): Step {
  const isOver = isSettled(world.getRun(DETAILED_RUN).status);
  return isOver ? beginAttempts(world, me, me.wanted & findPending(world)) : STEP.idle;
}

const findOpen = (me: Process): number => me.wanted & ~me.succeeded & ~me.failed;
const findNextWebhook = (me: Process): number => (findOpen(me) & 1 ? 0 : 1);

export const ATTEMPT_MOVES: readonly Move[] = [
  {
    name: (_, me) => `delivers webhook ${findNextWebhook(me)}`,
    happen(world, me) {
      const n = findNextWebhook(me);
      postWebhook(world, n, me.end || world.getRun(DETAILED_RUN).status);
      me.succeeded |= bit(n);
      return chooseAfterAttempt(me);
    },
  },
  {
    name: (_, me) => `fails to deliver webhook ${findNextWebhook(me)}`,
    isPossible: ({ faults }) => faults.failedAttempts > 0,
    happen({ faults }, me) {
      faults.failedAttempts -= 1;
      me.failed |= bit(findNextWebhook(me));
      return chooseAfterAttempt(me);
    },
  },
];

const chooseAfterAttempt = (me: Process): Step => (findOpen(me) === 0 ? STEP.recordAttempts : STEP.attempt);

/** One update for all webhooks, if `dv` is as it was read; refused, it merges with the item answered and comes again. */
export function recordAttempts(world: World, me: Process): Step {
  const { deliveries, scenario } = world;
  if (deliveries.dv !== me.dv && !world.isBroken('attempt recorded without fence')) {
    readDeliveries(world, me);
    return STEP.recordAttempts;
  }
  for (let n = 0; n < scenario.webhooks; n += 1) {
    const tries = mergeTries(me, n);
    mustHold(world, 'I11', tries >= deliveries.getTries(n));
    deliveries.setTries(n, tries);
  }
  deliveries.dv += 1;
  if (findPending(world) !== 0) return STEP.enqueueDeliveries;
  world.getRun(DETAILED_RUN).due = 0;
  return STEP.idle;
}

function mergeTries(me: Process, n: number): number {
  const read = n === 0 ? me.triesRead & 3 : me.triesRead >> 2;
  if (me.succeeded & bit(n)) return DELIVERED;
  return me.failed & bit(n) && read !== DELIVERED ? Math.min(MOST_TRIES, read + 1) : read;
}

export function enqueueDeliveries(world: World): Step {
  world.deliveries.messages |= findPending(world);
  return STEP.idle;
}
