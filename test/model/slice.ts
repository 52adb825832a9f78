// A slice of a run: its nodes, its outputs and the write that settles it.

import { postWebhook } from './deliveries.ts';
import { mustHold } from './invariants.ts';
import { bit, isSettled, LEASE, type Process, STATUS } from './items.ts';
import { hasNode, readEpoch } from './log.ts';
import type { Move } from './move.ts';
import type { NodeKind } from './scenarios.ts';
import { finishPromotion } from './slots.ts';
import { STEP, type Step } from './steps.ts';
import { DETAILED_RUN, MAX_LOG_ENTRIES, type World } from './world.ts';

/** What a slice does between two calls takes no step of its own: nodes without effects run here. */
export function chooseNextStep(world: World, me: Process): Step {
  if (me.end === STATUS.canceled || me.run !== DETAILED_RUN) return STEP.flip;
  const { nodes } = world.scenario;
  for (let node = 0; node < nodes.length; node += 1) {
    if (me.getValue(node) !== 0) continue;
    const step = findStepOfNode(world, me, nodes[node]);
    if (step !== undefined) return step;
    endNode(me, node);
  }
  return STEP.putOutputs;
}

/** Before an effect, and before a suspension, all that ended must be durable. */
function findStepOfNode(world: World, me: Process, kind: NodeKind | undefined): Step | undefined {
  const hasUnrecorded = me.unrecorded !== 0;
  if (kind === 'effect') {
    const mustRecord = hasUnrecorded && !world.isBroken('effect before the record it depends on');
    return mustRecord ? STEP.record : STEP.runEffect;
  }
  if (kind === 'wait' && me.answer === 0) return hasUnrecorded ? STEP.record : STEP.suspend;
  return undefined;
}

function endNode(me: Process, node: number): void {
  me.setValue(node, me.epoch);
  me.unrecorded |= bit(node);
}

/** A look before the effect finds the cancel, or comes too early for it. */
export const EFFECT_MOVES: readonly Move[] = [
  {
    name: 'sees the cancel',
    isPossible: (world, me) => world.getRun(me.run).cancelRequested === 1,
    happen(world, me) {
      me.end = STATUS.canceled;
      return chooseNextStep(world, me);
    },
  },
  { name: 'runs an effect', happen: runEffect },
];

function runEffect(world: World, me: Process): Step {
  const { nodes } = world.scenario;
  const node = nodes.findIndex((kind, i) => kind === 'effect' && me.getValue(i) === 0);
  for (let before = 0; before < node; before += 1) mustHold(world, 'I4', isDurable(world, before, me.getValue(before)));
  world.effects += 1;
  endNode(me, node);
  return chooseNextStep(world, me);
}

function isDurable(world: World, node: number, epoch: number): boolean {
  for (let k = 1; k <= MAX_LOG_ENTRIES; k += 1) {
    const entry = world.getEntry(k);
    if (readEpoch(entry) === epoch && hasNode(entry, node)) return true;
  }
  return false;
}

/** `END#<epoch>`, before the flip. */
export function putOutputs(world: World, me: Process): Step {
  world.putOutputs(world.isBroken('outputs without epoch') ? 0 : me.epoch, me.outputs);
  if (world.isBroken('webhook before settle')) {
    for (let n = 0; n < world.scenario.webhooks; n += 1) postWebhook(world, n, STATUS.succeeded);
  }
  if (world.isBroken('slot given before settle') && world.scenario.slotLimit > 0) {
    me.after = STEP.flip;
    return STEP.giveSlot;
  }
  return STEP.flip;
}

/** The one write that settles: status, outputs and last records, if epoch and lease are still its own and the run is live. */
export function flip(world: World, me: Process): Step {
  const run = world.getRun(me.run);
  const isHolder = run.epoch === me.epoch && run.lease !== LEASE.none;
  const mayFlip = isHolder && !isSettled(run.status);
  if (!mayFlip && !world.isBroken('settle without epoch fence')) return STEP.idle;
  mustHold(world, 'I1', !isSettled(run.status));
  run.status = me.end;
  run.lease = LEASE.none;
  run.due = 0;
  if (me.run === DETAILED_RUN) {
    const { settlement, scenario } = world;
    settlement.epoch = me.epoch;
    settlement.last = me.lastEntry;
    settlement.inline = me.unrecorded;
    settlement.outputs = me.end === STATUS.succeeded ? me.outputs : 0;
    run.due = scenario.webhooks > 0 && !world.isBroken('settle ends the due entry') ? 1 : 0;
  }
  return leaveSlice(world, me);
}

/** After the flip: the slot, a promotion, the first attempts. A worker makes them itself, others enqueue them. */
function leaveSlice(world: World, me: Process): Step {
  const owesWebhooks = world.scenario.webhooks > 0 && me.run === DETAILED_RUN;
  if (!owesWebhooks) me.after = STEP.idle;
  else me.after = me.isWorker ? STEP.attempt : STEP.enqueueDeliveries;
  const hasSlot = world.scenario.slotLimit > 0 && !world.isBroken('slot given before settle');
  if (!hasSlot) return finishPromotion(world, me);
  return me.end === STATUS.canceled ? STEP.leaveQueue : STEP.giveSlot;
}
