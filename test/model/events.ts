// Everything that can happen in a state, in a fixed order: steps of processes and what the idle ones begin, time and
// faults, the sender of a signal, the follower.

import { CANCEL, requestCancel } from './canceller.ts';
import { claim, load, putOpeningEntry, record } from './claim.ts';
import { ATTEMPT_MOVES, enqueueDeliveries, readRun, recordAttempts } from './deliveries.ts';
import { CRASH, LOSE_DELIVERY_MESSAGES, RUN_EVENTS } from './faults.ts';
import { FOLLOWER_EVENTS } from './follower.ts';
import { CANCELLER, type Process } from './items.ts';
import type { Event, Move, OutsideEvent } from './move.ts';
import { RECEIVE_DELIVERY, RECEIVE_RUN, RECEIVE_WAKE } from './receive.ts';
import { reloadSignals, SIGNAL_EVENT, suspend } from './signals.ts';
import { EFFECT_MOVES, flip, putOutputs } from './slice.ts';
import {
  clearQueued,
  enqueueHead,
  giveSlot,
  leaveQueue,
  markQueued,
  placeHead,
  putInQueue,
  readHead,
  removeHead,
  takeSlot,
} from './slots.ts';
import { STEP, type StepName } from './steps.ts';
import { SWEEPS } from './sweeper.ts';
import { DETAILED_RUN, type World } from './world.ts';

/** What a process at a step may do: mostly one thing. */
const MOVES_OF_STEP: Record<StepName, readonly Move[]> = {
  idle: [],
  takeSlot: [{ name: 'takes a slot', happen: takeSlot }],
  putInQueue: [{ name: 'puts it in the queue', happen: putInQueue }],
  markQueued: [{ name: 'marks the row as queued', happen: markQueued }],
  claim: [{ name: 'claims', happen: claim }],
  load: [{ name: 'loads the log', happen: load }],
  putOpeningEntry: [{ name: 'puts the opening entry', happen: putOpeningEntry }],
  record: [{ name: 'puts an entry', happen: record }],
  runEffect: EFFECT_MOVES,
  putOutputs: [{ name: 'puts the outputs', happen: putOutputs }],
  flip: [{ name: 'flips', happen: flip }],
  leaveQueue: [{ name: 'leaves the queue', happen: leaveQueue }],
  giveSlot: [{ name: 'gives the slot', happen: giveSlot }],
  readHead: [{ name: 'reads the head of the queue', happen: readHead }],
  placeHead: [{ name: 'takes a slot for the head', happen: placeHead }],
  removeHead: [{ name: 'removes the head from the queue', happen: removeHead }],
  enqueueHead: [{ name: 'enqueues the head', happen: enqueueHead }],
  clearQueued: [{ name: 'clears the mark of the row', happen: clearQueued }],
  readRun: [{ name: 'reads the run', happen: readRun }],
  attempt: ATTEMPT_MOVES,
  recordAttempts: [{ name: 'records the attempts', happen: recordAttempts }],
  enqueueDeliveries: [{ name: 'enqueues deliveries', happen: enqueueDeliveries }],
  requestCancel: [{ name: 'requests the cancel', happen: requestCancel }],
  suspend: [{ name: 'suspends', happen: suspend }],
  reloadSignals: [{ name: 'reloads the signals', happen: reloadSignals }],
};
const MOVES_BY_NUMBER = Object.keys(STEP).map((name) => MOVES_OF_STEP[name as StepName]);

const LAST_EVENTS: readonly OutsideEvent[] = [LOSE_DELIVERY_MESSAGES, SIGNAL_EVENT, ...FOLLOWER_EVENTS];

/** Collects what is possible in one state. */
class Events {
  readonly world: World;
  readonly found: Event[] = [];

  constructor(world: World) {
    this.world = world;
  }

  addMove(move: Move, me: Process, n: number): void {
    const { world } = this;
    if (move.isPossible !== undefined && !move.isPossible(world, me, n)) return;
    this.found.push({
      describe: () =>
        `${me.name} ${typeof move.name === 'string' ? `${move.name} (run ${n})` : move.name(world, me, n)}`,
      happen: (copy) => {
        const it = copy.getProcess(me.index);
        it.goTo(move.happen(copy, it, n));
      },
    });
  }

  addOutside(event: OutsideEvent, r: number): void {
    const { world } = this;
    if (!event.isPossible(world, r)) return;
    this.found.push({
      describe: () => (typeof event.name === 'string' ? event.name : event.name(world)),
      happen: (copy) => event.happen(copy, r),
    });
  }
}

/** All events of a state, found before any of them happens. */
export function findEvents(world: World): Event[] {
  const events = new Events(world);
  for (const me of world.processes) {
    if (me.step === STEP.idle) addBeginnings(events, me);
    else addSteps(events, me);
  }
  for (let r = 0; r < world.scenario.runs; r += 1) for (const event of RUN_EVENTS) events.addOutside(event, r);
  for (const event of LAST_EVENTS) events.addOutside(event, DETAILED_RUN);
  return events.found;
}

function addSteps(events: Events, me: Process): void {
  for (const move of MOVES_BY_NUMBER[me.step] ?? []) events.addMove(move, me, me.run);
  events.addMove(CRASH, me, me.run);
}

function addBeginnings(events: Events, me: Process): void {
  const { runs, workers, hasSweeper } = events.world.scenario;
  if (me.isWorker) {
    if (me.index < workers) addReceives(events, me);
  } else if (me.index === CANCELLER) {
    for (let r = 0; r < runs; r += 1) events.addMove(CANCEL, me, r);
  } else if (hasSweeper) {
    for (let r = 0; r < runs; r += 1) for (const move of SWEEPS) events.addMove(move, me, r);
  }
}

function addReceives(events: Events, me: Process): void {
  const { runs, webhooks } = events.world.scenario;
  for (let r = 0; r < runs; r += 1) events.addMove(RECEIVE_RUN, me, r);
  events.addMove(RECEIVE_WAKE, me, DETAILED_RUN);
  for (let n = 0; n < webhooks; n += 1) events.addMove(RECEIVE_DELIVERY, me, n);
}
