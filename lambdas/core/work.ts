// The worker: a queued run gets a slot, a lease and its first slice; most runs end here.

import { startChild } from './api/start-child.ts';
import { runSlice } from './engine/run-slice.ts';
import { LEASE_SECONDS } from './limits.ts';
import type { Ports } from './ports/ports.ts';
import { isSettled, type Run } from './run.ts';
import { admit, freeSlot } from './runs/admission.ts';
import { isolate, startHandoff } from './runs/handoff.ts';
import { settleIfUnrunnable } from './runs/unrunnable.ts';

export interface Work {
  runId: string;
  /** Epoch milliseconds at which the slice should be over. */
  budgetUntil: number;
  /** Goes to the machine at once: a stack option for those who want every run in the AWS console. */
  machineAlways?: boolean;
}

/** Rejects only for faults of the platform; the message is then tried again. */
export async function workRun(ports: Ports, { runId, budgetUntil, machineAlways }: Work): Promise<void> {
  const run = await claimRun(ports, runId);
  if (!run || (await settleIfUnrunnable(ports, run))) return;
  const until = machineAlways ? ports.clock.now() : budgetUntil;
  const end =
    (await isolate(ports, run)) ?? (await runSlice(ports, run, { budgetUntil: until, handoff: true, startChild }));
  if (end.kind !== 'suspended') return;
  if (!end.yielded) await freeSlot(ports, end.run);
  await startHandoff(ports, end);
}

/** A slot, then the lease; undefined when the run is queued for a slot, is worked on elsewhere or has ended. */
async function claimRun(ports: Ports, runId: string): Promise<Run | undefined> {
  const seen = await ports.runs.get(runId);
  if (!seen) return undefined;
  const now = ports.clock.now();
  if (isSettled(seen.status)) await freeSlot(ports, seen);
  // The lease shows whether somebody works on the run; a second queue message is nothing new.
  if (isSettled(seen.status) || (seen.leaseUntil ?? 0) > now) return undefined;
  if (!(await admit(ports, seen))) {
    if (seen.status !== 'pending') await ports.runs.postpone(seen, seen.dueAt ?? now, 'pending');
    return undefined;
  }
  // Not from before: getting the slot has taken some of the time.
  const leaseUntil = ports.clock.now() + LEASE_SECONDS * 1_000;
  const claim = await ports.runs.claim(runId, { now, leaseUntil });
  if (claim.kind === 'claimed') return claim.run;
  if (claim.run && isSettled(claim.run.status)) await freeSlot(ports, claim.run);
  return undefined;
}
