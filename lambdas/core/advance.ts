// The two tasks of the Step Functions machine: run a slice of a long run, and park a waiting one.

import { startChild } from './api/start-child.ts';
import { runSlice } from './engine/run-slice.ts';
import { LEASE_SECONDS } from './limits.ts';
import type { Ports } from './ports/ports.ts';
import { admit, freeSlot } from './runs/admission.ts';
import { parkSeconds } from './runs/handoff.ts';
import { settleIfUnrunnable } from './runs/unrunnable.ts';

/** What the machine does next; `parkSeconds` is how long a Park lasts at most. */
export interface Advanced {
  runId: string;
  handoff: number;
  next: 'advance' | 'park' | 'done';
  parkSeconds: number;
}

/** `done` ends the execution: the run has settled, or is queued for a slot and goes on through the queue, or is elsewhere. */
export async function advanceRun(
  ports: Ports,
  { runId, handoff, budgetUntil }: { runId: string; handoff: number; budgetUntil: number },
): Promise<Advanced> {
  const answer = (next: Advanced['next'], seconds = 1): Advanced => ({ runId, handoff, next, parkSeconds: seconds });
  const seen = await ports.runs.get(runId);
  const now = ports.clock.now();
  if (!seen || seen.handoffs !== handoff || seen.endedAt !== undefined) return answer('done');
  if (seen.leaseUntil !== undefined && seen.leaseUntil > now) return answer('done');
  if (!(await admit(ports, seen))) {
    await ports.runs.postpone(seen, seen.dueAt ?? now, 'pending');
    return answer('done');
  }
  const leaseUntil = ports.clock.now() + LEASE_SECONDS * 1_000;
  const claim = await ports.runs.claim(runId, { now, leaseUntil, handoff });
  if (claim.kind === 'refused') {
    if (claim.run?.endedAt !== undefined) await freeSlot(ports, claim.run);
    return answer('done');
  }
  if (await settleIfUnrunnable(ports, claim.run)) return answer('done');
  const end = await runSlice(ports, claim.run, { budgetUntil, handoff: false, startChild });
  if (end.kind !== 'suspended') return answer('done');
  if (end.yielded) return answer('advance');
  await freeSlot(ports, end.run);
  return answer('park', parkSeconds(end.run, ports.clock.now()));
}

/** Keeps the token with the run; wakes the Park at once when there is nothing to wait for any more. */
export async function parkRun(
  ports: Ports,
  { runId, handoff, token }: { runId: string; handoff: number; token: string },
): Promise<void> {
  const parked = await ports.runs.park(runId, { handoff, token });
  if (parked.kind === 'awake') await ports.machine.wake(token);
}
