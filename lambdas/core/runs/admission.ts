// How many runs of a tenant may work at once, and which queued run is next.

import { findTenant } from '../access/tenants.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';

/** True when the run has a slot now; otherwise it is queued, and promoted when its turn comes. */
export async function admit(ports: Ports, run: Run): Promise<boolean> {
  const limit = await readConcurrency(ports, run.tenant);
  const slot = { tenant: run.tenant, runId: run.id, limit, now: ports.clock.now() };
  if (await ports.slots.acquire(slot)) return true;
  await ports.slots.enqueue(run);
  // A slot may have come free between the two writes, when nobody was queued yet.
  await promoteQueued(ports, run.tenant);
  return false;
}

/** The first epoch of a sync call is its caller's own process, which needs no slot. */
export const needsSlot = ({ mode, epoch }: Run): boolean => mode === 'async' || epoch !== 1;

/** Frees whatever slot the run holds and promotes the next run in the tenant's queue. */
export async function freeSlot(ports: Ports, run: Run): Promise<void> {
  if (run.mode !== 'async') await ports.slots.leaveSync(run.tenant, run.id);
  if (!needsSlot(run)) return;
  if (run.startedAt === undefined || run.status === 'pending') await ports.slots.leaveQueue(run);
  const { queued } = await ports.slots.release(run.tenant, run.id);
  if (queued > 0) await promoteQueued(ports, run.tenant);
}

/** Promotes as many queued runs as there are free slots: each gets its slot and a queue message. */
export async function promoteQueued(ports: Ports, tenant: string): Promise<void> {
  const promoted = await ports.slots.promote(tenant, await readConcurrency(ports, tenant));
  if (promoted.length > 0) await ports.queues.enqueueRuns(promoted.map((runId) => ({ runId, tenant })));
}

async function readConcurrency(ports: Ports, id: string): Promise<number> {
  // A tenant that was removed still has its accepted runs finished, one at a time.
  return (await findTenant(ports, id))?.limits.concurrency ?? 1;
}
