// The sweeper: it reads the due index and repairs by status what a crash or a lost message left behind.

import { findPending } from './deliveries.ts';
import { isSettled, LEASE, type Process, STATUS } from './items.ts';
import type { Move } from './move.ts';
import { findAllPlaces, findPlace, findPlaceNumber, hasFreeSlot } from './slots.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

const REPAIRS = {
  'removes the due entry': (world, _, r) => {
    world.getRun(r).due = 0;
    return STEP.idle;
  },
  'enqueues what is owed': (world) => {
    world.deliveries.messages |= findPending(world);
    return STEP.idle;
  },
  'claims it to cancel it': (_, me, r) => {
    me.run = r;
    me.end = STATUS.canceled;
    return STEP.claim;
  },
  promotes: (world, me, r) => {
    me.run = r;
    me.queueVersion = world.slots.qv;
    me.after = STEP.idle;
    return STEP.readHead;
  },
  'finishes its promotion': (world, me, r) => {
    me.run = r;
    me.queueVersion = world.slots.qv;
    me.head = findPlaceNumber(world, r, world.getRun(r).stint);
    me.after = STEP.idle;
    return STEP.removeHead;
  },
  'wakes it again': (world, _, r) => {
    world.getRun(r).wakeMessages = 1;
    return STEP.idle;
  },
  'enqueues it again': (world, _, r) => {
    world.getRun(r).messages = 1;
    return STEP.idle;
  },
} satisfies Record<string, (world: World, me: Process, r: number) => Step>;
type Repair = keyof typeof REPAIRS;

function findRepair(world: World, r: number): Repair | undefined {
  const run = world.getRun(r);
  if (run.due === 0 || (isBusy(world, r) && world.faults.duplicates === 0)) return undefined;
  if (isSettled(run.status)) return findRepairOfSettled(world, r);
  if (run.lease === LEASE.live) return undefined;
  if (run.cancelRequested === 1) return 'claims it to cancel it';
  const place = findPlace(world, r, run.stint);
  if ((world.slots.queue & place) !== 0) return findRepairOfQueued(world, place);
  if (run.status === STATUS.waiting && run.signals <= run.seenSignals) return undefined;
  if (run.stint === 1) return run.wakeMessages === 0 ? 'wakes it again' : undefined;
  return run.messages === 0 ? 'enqueues it again' : undefined;
}

function findRepairOfSettled(world: World, r: number): Repair | undefined {
  const owed = r === DETAILED_RUN ? findPending(world) : 0;
  if (owed === 0 || world.isBroken('sweeper forgets settled runs')) return 'removes the due entry';
  return (owed & ~world.deliveries.messages) !== 0 ? 'enqueues what is owed' : undefined;
}

/**
 * A crash while a run was promoted leaves it in the queue with its place taken. It is not always the head any more, and the
 * head may be waiting for this very slot: the promotion is finished for this run.
 */
function findRepairOfQueued(world: World, place: number): Repair | undefined {
  if (world.isBroken('sweeper trusts the queue')) return undefined;
  const hasPlace = (world.slots.running & place) !== 0 && !world.isBroken('sweeper waits for a free slot');
  if (hasPlace && !world.isBroken('sweeper promotes only the head')) return 'finishes its promotion';
  return hasPlace || hasFreeSlot(world) ? 'promotes' : undefined;
}

/** A look while somebody works on the run does no more than a message that comes twice, and is counted with those. */
function isBusy(world: World, r: number): boolean {
  return world.processes.some(({ step, run }) => step !== STEP.idle && run === r);
}

/** Reconciliation: a row lists a run that is over, or a stint that is. */
const GIVE_LEAKED_SLOT: Move = {
  name: 'finds a leaked slot',
  isPossible: (world, _, r) => (world.slots.running & findUnusedPlaces(world, r)) !== 0,
  happen(_, me, r) {
    me.run = r;
    me.after = STEP.idle;
    return STEP.giveSlot;
  },
};

function findUnusedPlaces(world: World, r: number): number {
  const run = world.getRun(r);
  if (isSettled(run.status)) return findAllPlaces(world, r);
  return run.stint === 1 && !world.isBroken('slots by run alone') ? findPlace(world, r, 0) : 0;
}

const LOOK: Move = {
  name: (world, _, r) => `looks at run ${r}: ${findRepair(world, r)}`,
  isPossible: (world, _, r) => findRepair(world, r) !== undefined,
  happen(world, me, r) {
    const repair = findRepair(world, r);
    if (isBusy(world, r)) world.faults.duplicates -= 1;
    return repair === undefined ? STEP.idle : REPAIRS[repair](world, me, r);
  },
};

export const SWEEPS: readonly Move[] = [GIVE_LEAKED_SLOT, LOOK];
