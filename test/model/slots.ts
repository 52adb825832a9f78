// A tenant's slots and queue: a row with the places of the running, `queued` with its version, and the queue behind it.

import { beginAttempts, findPending } from './deliveries.ts';
import { bit, countBits, isSettled, type Process } from './items.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, MAX_RUNS, type World } from './world.ts';

const AWOKEN_PLACE = MAX_RUNS;

/** A place is run and stint: who was woken after a wait has another place than the one that it gave. */
export function findPlaceNumber(world: World, run: number, stint: number): number {
  const isAwoken = run === DETAILED_RUN && stint === 1 && !world.isBroken('slots by run alone');
  return isAwoken ? AWOKEN_PLACE : run;
}

export const findPlace = (world: World, run: number, stint: number): number => bit(findPlaceNumber(world, run, stint));

export const findAllPlaces = (world: World, run: number): number => findPlace(world, run, 0) | findPlace(world, run, 1);

export const hasFreeSlot = ({ slots, scenario }: World): boolean => countBits(slots.running) < scenario.slotLimit;

/** `ADD running`, if contained, or nobody is queued and a slot is free. Idempotent: a message may come twice. */
export function takeSlot(world: World, me: Process): Step {
  const { slots } = world;
  const place = findPlace(world, me.run, me.stint);
  const mayTake = (slots.running & place) !== 0 || (slots.queued === 0 && hasFreeSlot(world));
  if (mayTake) slots.running |= place;
  return mayTake ? STEP.claim : STEP.putInQueue;
}

export function putInQueue(world: World, me: Process): Step {
  world.slots.queue |= findPlace(world, me.run, me.stint);
  return STEP.markQueued;
}

/** Answers the row: a slot that became free after the refused take would find nobody to promote. */
export function markQueued(world: World, me: Process): Step {
  const { slots } = world;
  slots.queued = 1;
  slots.qv += 1;
  me.queueVersion = slots.qv;
  me.after = STEP.idle;
  return hasFreeSlot(world) && !world.isBroken('queue without recheck') ? STEP.readHead : STEP.idle;
}

/** A canceled run must not be promoted any more. */
export function leaveQueue(world: World, me: Process): Step {
  world.slots.queue &= ~findAllPlaces(world, me.run);
  return STEP.giveSlot;
}

export function giveSlot(world: World, me: Process): Step {
  const { slots } = world;
  const isOver = isSettled(world.getRun(me.run).status);
  slots.running &= ~(isOver ? findAllPlaces(world, me.run) : findPlace(world, me.run, me.stint));
  if (slots.queued === 0) return finishPromotion(world, me);
  me.queueVersion = slots.qv;
  return STEP.readHead;
}

export function readHead(world: World, me: Process): Step {
  for (let head = 0; head <= AWOKEN_PLACE; head += 1) {
    if ((world.slots.queue & bit(head)) === 0) continue;
    me.head = head;
    return STEP.placeHead;
  }
  return STEP.clearQueued;
}

/** `ADD running` of the head's place, if contained or a slot is free. */
export function placeHead(world: World, me: Process): Step {
  const { slots } = world;
  const mayPlace = (slots.running & bit(me.head)) !== 0 || hasFreeSlot(world);
  if (!mayPlace && !world.isBroken('promote without condition')) return finishPromotion(world, me);
  slots.running |= bit(me.head);
  return STEP.removeHead;
}

export function removeHead(world: World, me: Process): Step {
  world.slots.queue &= ~bit(me.head);
  return STEP.enqueueHead;
}

export function enqueueHead(world: World, me: Process): Step {
  if (me.head === AWOKEN_PLACE) world.getRun(DETAILED_RUN).wakeMessages = 1;
  else {
    const run = world.getRun(me.head);
    run.messages = Math.min(2, run.messages + 1);
  }
  me.head = 0;
  return hasFreeSlot(world) ? STEP.readHead : finishPromotion(world, me);
}

/** `REMOVE queued`, if nobody was queued since it was read: whoever was would wait for the sweeper. */
export function clearQueued(world: World, me: Process): Step {
  const { slots } = world;
  if (slots.qv === me.queueVersion || world.isBroken('flag cleared without version')) slots.queued = 0;
  return finishPromotion(world, me);
}

export function finishPromotion(world: World, me: Process): Step {
  const after = me.after as Step;
  if (after === STEP.attempt) return beginAttempts(world, me, findPending(world));
  me.after = STEP.idle;
  return after;
}
