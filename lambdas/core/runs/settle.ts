// The end of a run: one transaction for its status, outputs and deliveries, then what the end sets free, and the end of
// the runs that it waited for.

import { LEASE_SECONDS, SWEEP_PERIOD_SECONDS, UNPICKED_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { Settlement } from '../ports/runs.ts';
import { isSettled, type NodeRecord, type Run } from '../run.ts';
import { freeSlot } from './admission.ts';
import { childSignalPath } from './child-signal.ts';
import type { SliceEnd } from './slice-end.ts';

export type Settled = Extract<SliceEnd, { kind: 'settled' | 'lost' }>;

/**
 * Fenced by the run's epoch. What follows the transaction is repaired by the sweeper. `records` are those of the run, where
 * the caller has them.
 */
export async function settleRun(
  ports: Ports,
  run: Run,
  settlement: Settlement,
  records?: Iterable<NodeRecord>,
): Promise<Settled> {
  const children = records ? listAwaited(records) : await readAwaited(ports, run);
  const isOwed = children === 'unknown' || children.length > 0;
  const dueAt = isOwed ? { dueAt: settlement.endedAt + SWEEP_PERIOD_SECONDS * 1_000 } : {};
  const settled = await ports.runs.settle(run, { ...settlement, ...dueAt });
  if (settled.kind === 'lost') return settled;
  ports.log.metric(METRICS[settlement.status]);
  if (settlement.error === CRASHED.error) ports.log.metric('RunCrashed');
  if (settlement.error) ports.log.info('run failed', { run: run.id, flow: run.flow, code: settlement.error.code });
  const after = [
    settled.deliveries.length > 0 &&
      ports.queues.enqueueDeliveries(settled.deliveries.map(({ n }) => ({ run: run.id, n, tenant: run.tenant }))),
    freeSlot(ports, run),
    run.parkToken !== undefined && ports.machine.wake(run.parkToken),
    run.parent && run.parent.awaited !== false && notifyParent(ports, run.parent, run.id),
    isOwed && endChildren(ports, settled.run, children),
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
  const signal = { path: childSignalPath(path, child), payload: { run: child }, at: now };
  const stored = await ports.runs.signal(run, signal, now + UNPICKED_SECONDS * 1_000);
  if (stored.kind === 'stored' && stored.run.parkToken !== undefined) await ports.machine.wake(stored.run.parkToken);
}

type Awaited = string[] | 'unknown';

/** Runs that units of this one still wait for. */
function listAwaited(records: Iterable<NodeRecord>): string[] {
  return [...records].flatMap(({ status, wait }) => (status === 'waiting' ? (wait?.child ?? []) : []));
}

/** The end of a run does not depend on whether its records can be read. */
async function readAwaited({ runs, log }: Ports, { id, epoch }: Run): Promise<Awaited> {
  // Nobody has worked on it before.
  if (epoch <= 1) return [];
  try {
    return listAwaited((await runs.load(id)).records);
  } catch (error) {
    log.warn('the sweeper will end the runs that a run waited for', { run: id, error });
    return 'unknown';
  }
}

/** Cancels what a settled run has waited for: nobody wants the outputs any more. Repeated by the sweeper until it is done. */
export async function endChildren(ports: Ports, run: Run, awaited: Awaited = 'unknown'): Promise<void> {
  // They end by its deadline at the latest.
  const isOver = ports.clock.now() >= run.deadlineAt;
  const known = awaited === 'unknown' ? undefined : awaited;
  const children = isOver ? [] : (known ?? listAwaited((await ports.runs.load(run.id)).records));
  await Promise.all(children.map((child) => cancelUnwanted(ports, child)));
  await ports.runs.finish(run);
}

/** Ends a run, whoever works on it: where somebody does, it notices the request. */
export async function cancelUnwanted(ports: Ports, id: string): Promise<void> {
  const run = await ports.runs.requestCancel(id);
  if (!run || isSettled(run.status) || (run.leaseUntil ?? 0) > ports.clock.now()) return;
  await endIdleRun(ports, run, { status: 'canceled' });
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
