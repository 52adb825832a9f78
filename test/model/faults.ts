// Time and faults: leases expire, processes crash and freeze, messages are lost or come twice.

import { LEASE } from './items.ts';
import type { Move, OutsideEvent } from './move.ts';
import { STEP } from './steps.ts';
import type { World } from './world.ts';

/** Before any step, with all that it has in memory. */
export const CRASH: Move = {
  name: 'crashes',
  isPossible: ({ faults }) => faults.crashes > 0,
  happen({ faults }) {
    faults.crashes -= 1;
    return STEP.idle;
  },
};

function hasHolder(world: World, r: number): boolean {
  const { epoch } = world.getRun(r);
  return world.processes.some((it) => it.step !== STEP.idle && it.run === r && it.epoch === epoch);
}

const hasLiveLease = (world: World, r: number): boolean => world.getRun(r).lease === LEASE.live;

/** In this order for every run. */
export const RUN_EVENTS: readonly OutsideEvent[] = [
  {
    name: 'the lease expires',
    isPossible: (world, r) => hasLiveLease(world, r) && !hasHolder(world, r),
    happen(world, r) {
      world.getRun(r).lease = LEASE.dead;
    },
  },
  {
    // The holder goes on later and has not looked at the clock: the worst case.
    name: 'the holder freezes and the lease expires',
    isPossible: (world, r) => world.faults.freezes > 0 && hasLiveLease(world, r) && hasHolder(world, r),
    happen(world, r) {
      world.faults.freezes -= 1;
      world.getRun(r).lease = LEASE.dead;
    },
  },
  {
    name: 'a message comes twice',
    isPossible: (world, r) => world.faults.duplicates > 0 && world.getRun(r).messages < 2,
    happen(world, r) {
      world.faults.duplicates -= 1;
      world.getRun(r).messages += 1;
    },
  },
  {
    name: 'a message is lost',
    isPossible: (world, r) => world.faults.lostMessages > 0 && world.getRun(r).messages > 0,
    happen(world, r) {
      world.faults.lostMessages -= 1;
      world.getRun(r).messages -= 1;
    },
  },
];

export const LOSE_DELIVERY_MESSAGES: OutsideEvent = {
  name: 'the messages of deliveries are lost',
  isPossible: ({ faults, deliveries }) => faults.lostMessages > 0 && deliveries.messages !== 0,
  happen({ faults, deliveries }) {
    faults.lostMessages -= 1;
    deliveries.messages = 0;
  },
};
