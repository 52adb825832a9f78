// How a process becomes the holder of a run: claim, load of the log, opening entry. What it does then: slice.ts.

import { isSettled, LEASE, type Process, STATUS } from './items.ts';
import { buildEntry, hasNode, readEpoch } from './log.ts';
import { chooseNextStep } from './slice.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

/** One update: epoch + 1 and a lease, if the run is live, nobody holds it and the message is of its stint. */
export function claim(world: World, me: Process): Step {
  const run = world.getRun(me.run);
  const isOver = isSettled(run.status);
  const isLate = me.isWorker && me.stint !== run.stint;
  const isHeld = run.lease === LEASE.live && !world.isBroken('claim of a live lease');
  if (isOver || isLate || isHeld) return refuseClaim(world, me, isOver || isLate);
  const isCanceling = me.end === STATUS.canceled;
  run.epoch += 1;
  run.lease = LEASE.live;
  if (!isCanceling) run.status = STATUS.running;
  me.epoch = run.epoch;
  me.end = isCanceling || run.cancelRequested === 1 ? STATUS.canceled : STATUS.succeeded;
  me.signalsSeen = run.signals;
  const mustLoad = me.run === DETAILED_RUN && world.scenario.nodes.length > 0 && (run.epoch > 1 || run.signals > 0);
  return mustLoad ? STEP.load : chooseNextStep(world, me);
}

/** The slot is given only where nobody can be using it: of a run that is over, or of an earlier stint. */
function refuseClaim(world: World, me: Process, isUnused: boolean): Step {
  const mustGive = isUnused || world.isBroken('refused claim gives the slot');
  if (world.scenario.slotLimit === 0 || !me.isWorker || !mustGive) return STEP.idle;
  me.after = STEP.idle;
  return STEP.giveSlot;
}

/** A strong read of log and signals. An entry of a higher epoch shows that the lease is lost. */
export function load(world: World, me: Process): Step {
  me.value0 = 0;
  me.value1 = 0;
  me.unrecorded = 0;
  me.answer = world.signal.item;
  let k = 0;
  for (let entry = world.getEntry(1); entry !== 0; entry = world.getEntry(k + 1)) {
    k += 1;
    if (readEpoch(entry) > me.epoch && !world.isBroken('load ignores later epochs')) return STEP.idle;
    for (let node = 0; node < world.scenario.nodes.length; node += 1) {
      if (hasNode(entry, node)) me.setValue(node, readEpoch(entry));
    }
  }
  me.lastEntry = k;
  return world.isBroken('no opening entry') ? chooseNextStep(world, me) : STEP.putOpeningEntry;
}

/** From here on no older epoch can put an entry: the number that it would use is taken. */
export function putOpeningEntry(world: World, me: Process): Step {
  if (world.getEntry(me.lastEntry + 1) !== 0) return loseEntry(world, me);
  me.lastEntry += 1;
  world.putEntry(me.lastEntry, buildEntry(me.epoch, 0));
  return chooseNextStep(world, me);
}

/** `LOG#k+1` if nobody has put it, with every node that ended since the entry before. */
export function record(world: World, me: Process): Step {
  const isTaken = world.getEntry(me.lastEntry + 1) !== 0;
  if (isTaken && !world.isBroken('log number without condition')) return loseEntry(world, me);
  me.lastEntry += 1;
  world.putEntry(me.lastEntry, buildEntry(me.epoch, me.unrecorded));
  me.unrecorded = 0;
  return chooseNextStep(world, me);
}

/** Somebody has put the entry: who has the higher epoch goes on, and reads again what it must know. */
function loseEntry(world: World, me: Process): Step {
  const isOvertaken = readEpoch(world.getEntry(me.lastEntry + 1)) > me.epoch;
  return isOvertaken ? STEP.idle : STEP.load;
}
