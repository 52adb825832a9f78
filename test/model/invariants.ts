// What must hold: I1, I3, I4 and I11 when a move happens (the moves check them), the others in every state, I9 over all
// states (search.ts). I12 to I14 are about what the model leaves out.

import { bit, countBits, DELIVERED, isSettled, LEASE, type RunItem, STATUS } from './items.ts';
import { hasNode, readEpoch } from './log.ts';
import { STEP } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

export const INVARIANTS = {
  I1: 'a run settles once',
  I2: 'outputs shown are those of the settling epoch, and its records explain them',
  I3: 'no webhook before the flip is durable, and only with its outcome',
  I4: 'an effect starts only when all that it depends on is durable',
  I5: 'never more places and never more running than the limit',
  I7: 'a cancel of an idle run ends it as canceled',
  I8: 'nothing that was shown changes or is missing',
  I9: 'with no more faults all comes to rest, settled and delivered',
  I10: 'an effect repeats only after a crash or a lost lease',
  I11: 'attempts are not forgotten, delivered stays delivered',
} as const;
export type InvariantId = keyof typeof INVARIANTS;

export const describeInvariant = (id: InvariantId): string => `${id} ${INVARIANTS[id]}`;

export function mustHold(world: World, id: InvariantId, holds: boolean): void {
  if (!holds) world.violation ??= describeInvariant(id);
}

/** Each is asked of every state. I6 is I9 in the scenarios without faults and without the sweeper. */
const STATE_INVARIANTS: readonly [InvariantId, (world: World) => boolean][] = [
  ['I2', hasOutputsOfSettlingEpoch],
  ['I2', isExplainedByRecords],
  ['I7', hasHeededCancel],
  ['I8', hasShownOnlyHistory],
  ['I8', hasShownWhatIsThere],
  ['I10', hasEffectsWithinFaults],
  ['I5', hasPlacesWithinLimit],
  ['I5', hasRunningWithinLimit],
];

export function findViolation(world: World): string | undefined {
  for (const [id, holds] of STATE_INVARIANTS) if (!holds(world)) return describeInvariant(id);
  return undefined;
}

function getDetailedRun(world: World): RunItem {
  return world.getRun(DETAILED_RUN);
}

function hasOutputsOfSettlingEpoch(world: World): boolean {
  if (getDetailedRun(world).status !== STATUS.succeeded) return true;
  const stored = world.getOutputs(world.isBroken('outputs without epoch') ? 0 : world.settlement.epoch);
  return stored === world.settlement.outputs;
}

function isExplainedByRecords(world: World): boolean {
  if (getDetailedRun(world).status !== STATUS.succeeded) return true;
  return findRecordedValue(world, 0) * 8 + findRecordedValue(world, 1) === world.settlement.outputs;
}

/** As a reader finds the result of a node: in the flip, else in the last entry that has it. */
function findRecordedValue(world: World, node: number): number {
  const { settlement } = world;
  if (settlement.inline & bit(node)) return settlement.epoch;
  for (let k = settlement.last; k > 0; k -= 1) {
    const entry = world.getEntry(k);
    if (hasNode(entry, node)) return readEpoch(entry);
  }
  return 0;
}

function hasHeededCancel(world: World): boolean {
  const run = getDetailedRun(world);
  return run.canceledWhileIdle === 0 || !isSettled(run.status) || run.status === STATUS.canceled;
}

function hasShownOnlyHistory(world: World): boolean {
  return !isSettled(getDetailedRun(world).status) || world.follower.entries <= world.settlement.last;
}

function hasShownWhatIsThere(world: World): boolean {
  for (let k = 1; k <= world.follower.entries; k += 1) {
    if (world.getShownEntry(k) !== world.getEntry(k)) return false;
  }
  return true;
}

function hasEffectsWithinFaults({ scenario, faults, effects }: World): boolean {
  const crashes = (scenario.faults.crashes ?? 0) - faults.crashes;
  const freezes = (scenario.faults.freezes ?? 0) - faults.freezes;
  return effects <= scenario.nodes.filter((kind) => kind === 'effect').length * (1 + crashes + freezes);
}

function hasPlacesWithinLimit({ scenario, slots }: World): boolean {
  return scenario.slotLimit === 0 || countBits(slots.running) <= scenario.slotLimit;
}

function hasRunningWithinLimit({ scenario, runs }: World): boolean {
  if (scenario.slotLimit === 0) return true;
  let running = 0;
  for (const { status, lease } of runs) if (status === STATUS.running && lease === LEASE.live) running += 1;
  return running <= scenario.slotLimit;
}

/** Everything is settled and delivered, and nobody has anything left to do. */
export function isAtRest(world: World): boolean {
  const { scenario, deliveries, slots, follower } = world;
  for (let r = 0; r < scenario.runs; r += 1) {
    const run = world.getRun(r);
    if (!isSettled(run.status) || run.due !== 0 || run.messages !== 0 || run.wakeMessages !== 0) return false;
  }
  if (world.processes.some(({ step }) => step !== STEP.idle)) return false;
  for (let n = 0; n < scenario.webhooks; n += 1) {
    if (deliveries.getTries(n) !== DELIVERED || (deliveries.received & bit(n)) === 0) return false;
  }
  // A settled run in the queue, left by a late message, is harmless: the next promotion or its time to live removes it.
  return deliveries.messages === 0 && slots.running === 0 && (!scenario.hasFollower || follower.isFinished === 1);
}
