// What an idle worker begins: it receives a message of a queue. A message that is received is gone; the table is the truth.

import { bit, type Process } from './items.ts';
import type { Move } from './move.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

function beginRun(world: World, me: Process, r: number): Step {
  me.run = r;
  return world.scenario.slotLimit > 0 ? STEP.takeSlot : STEP.claim;
}

export const RECEIVE_RUN: Move = {
  name: (_, __, r) => `receives run ${r}`,
  isPossible: (world, _, r) => world.getRun(r).messages > 0,
  happen(world, me, r) {
    world.getRun(r).messages -= 1;
    return beginRun(world, me, r);
  },
};

/** A message with the stint after the wait. */
export const RECEIVE_WAKE: Move = {
  name: (_, __, r) => `receives the wake of run ${r}`,
  isPossible: (world, _, r) => world.getRun(r).wakeMessages > 0,
  happen(world, me, r) {
    world.getRun(r).wakeMessages = 0;
    me.stint = 1;
    return beginRun(world, me, r);
  },
};

export const RECEIVE_DELIVERY: Move = {
  name: (_, __, n) => `receives delivery ${n}`,
  isPossible: (world, _, n) => (world.deliveries.messages & bit(n)) !== 0,
  happen(world, me, n) {
    world.deliveries.messages &= ~bit(n);
    me.run = DETAILED_RUN;
    me.wanted = bit(n);
    return STEP.readRun;
  },
};
