// Makes states equal that differ in nothing that can matter, so that the search visits them once.

import type { Process } from './items.ts';
import { isPromoting, STEP } from './steps.ts';
import { DETAILED_RUN, type World } from './world.ts';

/** Answers whether the two workers changed places. */
export function makeCanonical(world: World): boolean {
  forgetVersions(world);
  forgetEpochs(world);
  return orderWorkers(world);
}

/** Only whether the version of `queued` is still the one that was read matters, and only to who promotes. */
function forgetVersions({ processes, slots }: World): void {
  for (const me of processes) {
    const isCurrent = isPromoting(me.step) && me.queueVersion === slots.qv;
    me.queueVersion = isCurrent ? 1 : 0;
    if (!isPromoting(me.step)) me.head = 0;
  }
  slots.qv = 1;
}

/** Of a run without a log only matters who has its present epoch. */
function forgetEpochs(world: World): void {
  const { scenario, processes } = world;
  const hasLog = scenario.nodes.length > 0;
  for (const me of processes) {
    if (me.step === STEP.idle || (hasLog && me.run === DETAILED_RUN)) continue;
    const { epoch } = world.getRun(me.run);
    if (epoch !== 0) me.epoch = me.epoch === epoch ? 1 : 0;
  }
  for (let r = hasLog ? DETAILED_RUN + 1 : DETAILED_RUN; r < scenario.runs; r += 1) {
    const run = world.getRun(r);
    run.epoch = Math.min(run.epoch, 1);
  }
}

/** Both workers are alike, so one order of the two is enough. */
function orderWorkers({ bytes, processes: [first, second] }: World): boolean {
  if (first === undefined || second === undefined) return false;
  if (compareProcesses(bytes, first, second) >= 0) return false;
  const length = second.start - first.start;
  for (let i = 0; i < length; i += 1) swapBytes(bytes, first.start + i, second.start + i);
  return true;
}

function compareProcesses(bytes: Uint8Array, first: Process, second: Process): number {
  for (let i = 0; i < second.start - first.start; i += 1) {
    const difference = (bytes[first.start + i] ?? 0) - (bytes[second.start + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function swapBytes(bytes: Uint8Array, i: number, j: number): void {
  const byte = bytes[i] ?? 0;
  bytes[i] = bytes[j] ?? 0;
  bytes[j] = byte;
}
