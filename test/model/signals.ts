// Signals and waits: suspending a run that waits, and the sender of the signal that it waits for.

import { isSettled, LEASE, type Process, STATUS } from './items.ts';
import type { OutsideEvent } from './move.ts';
import { chooseNextStep } from './slice.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

/** One update, if epoch and lease are still its own, every signal is seen and nobody has canceled. */
export function suspend(world: World, me: Process): Step {
  const run = world.getRun(me.run);
  const isHolder = run.epoch === me.epoch && run.lease !== LEASE.none;
  if (!isHolder || isSettled(run.status)) return STEP.idle;
  if (run.cancelRequested === 1) {
    me.end = STATUS.canceled;
    return chooseNextStep(world, me);
  }
  if (run.signals !== me.signalsSeen && !world.isBroken('suspend ignores signals')) {
    me.signalsSeen = run.signals;
    return STEP.reloadSignals;
  }
  run.status = STATUS.waiting;
  run.lease = LEASE.none;
  run.seenSignals = run.signals;
  run.stint = 1;
  if (world.scenario.slotLimit === 0) return STEP.idle;
  me.after = STEP.idle;
  return STEP.giveSlot;
}

export function reloadSignals(world: World, me: Process): Step {
  me.answer = world.signal.item;
  return chooseNextStep(world, me);
}

const SENDER_STEPS = ['is stored', 'is counted', 'wakes the run'] as const;

function findSenderStep(world: World): (typeof SENDER_STEPS)[number] | undefined {
  const steps = world.signal.senderSteps;
  if (steps < 2 && world.isBroken('signal counted before it is stored')) return SENDER_STEPS[1 - steps];
  return SENDER_STEPS[steps];
}

/** Whoever signals has no answer before the second step, and repeats until then: it needs no crash of its own. */
export const SIGNAL_EVENT: OutsideEvent = {
  name: (world) => `the signal ${findSenderStep(world)}`,
  isPossible: (world) => world.scenario.nodes.includes('wait') && findSenderStep(world) !== undefined,
  happen(world) {
    const run = world.getRun(DETAILED_RUN);
    const step = findSenderStep(world);
    if (step === 'is stored') world.signal.item = 1;
    else if (step === 'is counted') run.signals += 1;
    else run.wakeMessages = run.stint;
    world.signal.senderSteps += 1;
  },
};
