// The end of a run: one transaction for its status, outputs and deliveries, then what the end sets free.

import { LEASE_SECONDS, UNPICKED_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { Settlement } from '../ports/runs.ts';
import type { Run } from '../run.ts';
import { freeSlot } from './admission.ts';
import type { SliceEnd } from './slice-end.ts';

export type Settled = Extract<SliceEnd, { kind: 'settled' | 'lost' }>;

/** Fenced by the run's epoch. What follows the transaction is repaired by the sweeper. */
export async function settleRun(ports: Ports, run: Run, settlement: Settlement): Promise<Settled> {
  const settled = await ports.runs.settle(run, settlement);
  if (settled.kind === 'lost') return settled;
  ports.log.metric(METRICS[settlement.status]);
  if (settlement.error === CRASHED.error) ports.log.metric('RunCrashed');
  if (settlement.error) ports.log.info('run failed', { run: run.id, flow: run.flow, code: settlement.error.code });
  const after = [
    settled.deliveries.length > 0 &&
      ports.queues.enqueueDeliveries(settled.deliveries.map(({ n }) => ({ run: run.id, n, tenant: run.tenant }))),
    freeSlot(ports, run),
    run.parkToken !== undefined && ports.machine.wake(run.parkToken),
    run.parent && notifyParent(ports, run.parent, run.id),
  ];
  for (const result of await Promise.allSettled(after)) {
    if (result.status === 'rejected')
      ports.log.warn('the end of a run left work to the sweeper', { error: result.reason });
  }
  return { kind: 'settled', run: settled.run };
}

/** Ends a run that nobody is working on; `lost` where somebody is, or where it has ended already. */
export async function endIdleRun(ports: Ports, run: Run, end: Pick<Settlement, 'status' | 'error'>): Promise<Settled> {
  const now = ports.clock.now();
  const claim = await ports.runs.claim(run.id, { now, leaseUntil: now + LEASE_SECONDS * 1_000, ending: true });
  if (claim.kind === 'refused') return { kind: 'lost' };
  const { usage, handledErrors } = claim.run;
  // The claim cleared nothing of what only the run before it knew: who parks for it.
  const held = { ...claim.run, parkToken: run.parkToken ?? claim.run.parkToken };
  return settleRun(ports, held, { ...end, outputs: null, usage, handledErrors, endedAt: now });
}

/** A run that waits for this one looks for itself, too: this only makes it sooner. */
async function notifyParent(ports: Ports, { run, path }: NonNullable<Run['parent']>, child: string): Promise<void> {
  const now = ports.clock.now();
  const signal = { path, payload: { run: child }, at: now };
  const stored = await ports.runs.signal(run, signal, now + UNPICKED_SECONDS * 1_000);
  if (stored.kind === 'stored' && stored.run.parkToken !== undefined) await ports.machine.wake(stored.run.parkToken);
}

const METRICS = { succeeded: 'RunSucceeded', failed: 'RunFailed', canceled: 'RunCanceled' } as const;

export const EXPIRED = {
  status: 'failed',
  error: { code: 'run-expired', message: 'The run did not end before its deadline', node: null },
} as const;

export const CRASHED = {
  status: 'failed',
  error: {
    code: 'run-crashed',
    message: 'The run crashed its worker again and again; see which node was running and make its work smaller',
    node: null,
  },
} as const;
