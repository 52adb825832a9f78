// Who cancels a run: the request is stored, and if nobody holds the run, it is ended at once.

import { isSettled, LEASE, type Process, STATUS } from './items.ts';
import type { Move } from './move.ts';
import { STEP, type Step } from './steps.ts';
import type { World } from './world.ts';

export const CANCEL: Move = {
  name: 'is asked to cancel',
  isPossible: ({ faults, scenario }, _, r) => faults.cancels > 0 && scenario.cancelable.includes(r),
  happen({ faults }, me, r) {
    faults.cancels -= 1;
    me.run = r;
    return STEP.requestCancel;
  },
};

/** `cancelRequested` and a due entry, if the run is live. The claim that follows fails where somebody holds it. */
export function requestCancel(world: World, me: Process): Step {
  const run = world.getRun(me.run);
  if (isSettled(run.status)) return STEP.idle;
  run.cancelRequested = 1;
  run.due = 1;
  if (run.lease === LEASE.none) run.canceledWhileIdle = 1;
  me.end = STATUS.canceled;
  return STEP.claim;
}
