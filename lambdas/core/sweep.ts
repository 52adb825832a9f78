// The guarantee: whatever a crash, a lost message or a lost event left behind is found in the due index and goes on.
// Queues and Step Functions only make progress faster. Every repair is conditional, so sweeping twice does no harm.

import { MAX_CRASHES, SLOTS_RECONCILE_SECONDS, SWEEP_LOOK_MAX_SECONDS, SWEEP_PERIOD_SECONDS } from './limits.ts';
import type { Ports } from './ports/ports.ts';
import type { Due } from './ports/runs.ts';
import { isSettled, type Run } from './run.ts';
import { promoteQueued } from './runs/admission.ts';
import { CRASHED, EXPIRED, endChildren, endIdleRun } from './runs/settle.ts';

const BATCH = 200;
const PERIOD_MS = SWEEP_PERIOD_SECONDS * 1_000;

/** What the sweeper does with a due run: pure, so that every case can be asked for. */
export type Remedy =
  | { do: 'nothing' }
  | { do: 'expire' | 'cancel' | 'crash' | 'end-children' }
  /** Sends a queue message; the worker finds out what is to be done. */
  | { do: 'enqueue'; lookAgainAt: number }
  | { do: 'look'; lookAgainAt: number };

export function remedyFor(run: Run, now: number): Remedy {
  if (isSettled(run.status)) return remedyAfterEnd(run);
  if (run.leaseUntil !== undefined && run.leaseUntil > now) {
    return { do: 'look', lookAgainAt: run.leaseUntil + 1_000 };
  }
  if (now >= run.deadlineAt) return { do: 'expire' };
  if (run.cancelRequested) return { do: 'cancel' };
  if (run.leaseUntil !== undefined && run.crashes + 1 >= MAX_CRASHES) return { do: 'crash' };
  const at = (ms: number): number => Math.min(Math.max(ms, now + 1_000), run.deadlineAt);
  if (run.startAfter !== undefined && run.startAfter > now) return { do: 'look', lookAgainAt: at(run.startAfter) };
  const isWoken = run.signals > run.seenSignals || (run.wakeAt ?? Number.POSITIVE_INFINITY) <= now;
  if (run.status === 'waiting' && !isWoken) return { do: 'look', lookAgainAt: at(run.wakeAt ?? run.deadlineAt) };
  const age = now - run.createdAt;
  return {
    do: 'enqueue',
    lookAgainAt: at(now + Math.min(Math.max(PERIOD_MS, age / 2), SWEEP_LOOK_MAX_SECONDS * 1_000)),
  };
}

const remedyAfterEnd = ({ dueAt }: Run): Remedy => ({ do: dueAt === undefined ? 'nothing' : 'end-children' });

export interface Swept {
  runs: number;
  deliveries: number;
  tenants: number;
}

/** Sweeps until nothing is due or `untilMs` (epoch) has come. */
export async function sweep(ports: Ports, { untilMs }: { untilMs: number }): Promise<Swept> {
  const swept: Swept = { runs: 0, deliveries: 0, tenants: 0 };
  const seen = new Set<string>();
  let broken = 0;
  while (ports.clock.now() < untilMs) {
    // What cannot be repaired stays due, and must not block the rest.
    const due = await ports.runs.due(ports.clock.now(), BATCH + broken);
    const fresh = due.filter((it) => !seen.has(JSON.stringify(it)));
    if (fresh.length === 0) break;
    for (const it of fresh) seen.add(JSON.stringify(it));
    const results = await Promise.allSettled(fresh.map((it) => repair(ports, it)));
    results.forEach((result, index) => {
      if (result.status === 'fulfilled') return;
      broken += 1;
      ports.log.metric('RepairFailed');
      ports.log.error('a repair failed; the next sweep tries again', { due: fresh[index], error: result.reason });
    });
    swept.runs += fresh.filter((it) => it.kind === 'run').length;
    swept.deliveries += fresh.filter((it) => it.kind === 'delivery').length;
    swept.tenants += fresh.filter((it) => it.kind === 'slots').length;
  }
  ports.log.metric('Sweep');
  return swept;
}

function repair(ports: Ports, due: Due): Promise<void> {
  if (due.kind === 'run') return repairRun(ports, due.id);
  if (due.kind === 'delivery') return repairDelivery(ports, due.run, due.n);
  return reconcileSlots(ports, due.tenant);
}

async function repairRun(ports: Ports, id: string): Promise<void> {
  const now = ports.clock.now();
  const run = await ports.runs.get(id);
  if (!run || (run.dueAt ?? 0) > now) return;
  const remedy = remedyFor(run, now);
  switch (remedy.do) {
    case 'nothing':
      return;
    case 'end-children':
      await endChildren(ports, run);
      return;
    case 'expire':
      await endIdleRun(ports, run, EXPIRED);
      return;
    case 'cancel':
      await endIdleRun(ports, run, { status: 'canceled' });
      return;
    case 'crash':
      await endIdleRun(ports, run, CRASHED);
      return;
    case 'look':
      await ports.runs.postpone(run, remedy.lookAgainAt);
      return;
    case 'enqueue':
      if (run.leaseUntil !== undefined) ports.log.metric('LeaseExpired');
      await ports.runs.postpone(run, remedy.lookAgainAt);
      if (run.status === 'pending' && (await ports.slots.isQueued(run))) await promoteQueued(ports, run.tenant);
      else await ports.queues.enqueueRuns([{ runId: id, tenant: run.tenant }]);
  }
}

async function repairDelivery(ports: Ports, run: string, n: number): Promise<void> {
  const now = ports.clock.now();
  const delivery = await ports.runs.delivery(run, n);
  if (delivery?.status !== 'pending') return;
  await ports.runs.postponeDelivery(delivery, Math.max(now, delivery.nextAt ?? now) + PERIOD_MS);
  if ((delivery.nextAt ?? now) <= now) await ports.queues.enqueueDeliveries([{ run, n, tenant: delivery.tenant }]);
}

/** Frees the slots of runs that are no longer worked on; queued runs are promoted. */
async function reconcileSlots(ports: Ports, tenant: string): Promise<void> {
  const now = ports.clock.now();
  const { running, sync, queued } = await ports.slots.occupancy(tenant);
  let held = 0;
  for (const id of new Set([...running, ...sync])) {
    const run = await ports.runs.get(id);
    if (run && !isSettled(run.status) && run.status !== 'waiting') {
      held += 1;
      if (run.status === 'pending') await enqueueAgain(ports, run);
      continue;
    }
    ports.log.metric('SlotLeaked');
    if (running.includes(id)) await ports.slots.release(tenant, id);
    if (sync.includes(id)) await ports.slots.leaveSync(tenant, id);
  }
  if (queued > 0) await promoteQueued(ports, tenant);
  await ports.slots.reconcileAt(tenant, held > 0 || queued > 0 ? now + SLOTS_RECONCILE_SECONDS * 1_000 : undefined);
}

/** It was promoted, and its queue message was lost: until the run is due itself its slot would stay unused. */
async function enqueueAgain(ports: Ports, { id, tenant, leaseUntil }: Run): Promise<void> {
  if (leaseUntil === undefined) await ports.queues.enqueueRuns([{ runId: id, tenant }]);
}
