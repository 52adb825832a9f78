// Queues and slots of the tenants, rebuilt from the calls on the store: which runs are queued, promoted, at work.

import type { Slots } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';
import type { Call } from './process.ts';

export interface TenantQueues {
  /** A call on the slots and its answer; returns what is wrong about it. */
  observe(call: Pick<Call, 'port' | 'method' | 'args'>, answer: unknown): string[];
  /** The run has started; returns how long it had held its slot before. */
  recordStart(run: Run): number;
}

interface TenantQueue {
  queued: Map<string, Run>;
  held: Set<string>;
}

const isBefore = (a: Run, b: Run): boolean =>
  a.priority !== b.priority ? a.priority > b.priority : `${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}`;

export function makeTenantQueues(now: () => number): TenantQueues {
  const tenants = new Map<string, TenantQueue>();
  const promotedAt = new Map<string, number>();
  const findQueue = (tenant: string): TenantQueue => {
    const known = tenants.get(tenant) ?? { queued: new Map(), held: new Set() };
    tenants.set(tenant, known);
    return known;
  };

  function checkPromotion(tenant: TenantQueue, ids: string[]): string[] {
    const promotedRuns = ids.flatMap((id) => tenant.queued.get(id) ?? []);
    for (const { id } of promotedRuns) {
      tenant.queued.delete(id);
      tenant.held.add(id);
      promotedAt.set(id, now());
    }
    const ahead = promotedRuns.flatMap((run) => [...tenant.queued.values()].filter((other) => isBefore(other, run)));
    const isInOrder = promotedRuns.every((run, index) => index === 0 || isBefore(promotedRuns[index - 1] as Run, run));
    return [
      ...ahead.map(({ id }) => `${id} is passed over in the queue`),
      ...(isInOrder ? [] : [`runs are promoted out of order: ${ids.join(', ')}`]),
    ];
  }

  function checkAcquire({ tenant, runId, limit }: Parameters<Slots['acquire']>[0], isIn: boolean): string[] {
    const { queued, held } = findQueue(tenant);
    if (!isIn) return [];
    const overtakes = !held.has(runId) && queued.size > 0;
    held.add(runId);
    const complaints = overtakes ? [`${runId} overtakes ${queued.size} queued runs`] : [];
    return held.size > limit ? [...complaints, `${tenant} has ${held.size} slots of ${limit}`] : complaints;
  }

  return {
    observe({ port, method, args }, answer) {
      if (port !== 'slots') return [];
      const move = method as keyof Slots;
      const [first, second] = args as [unknown, string];
      if (move === 'acquire') return checkAcquire(first as Parameters<Slots['acquire']>[0], answer === true);
      if (move === 'promote') return checkPromotion(findQueue(first as string), answer as string[]);
      if (move === 'enqueue') findQueue((first as Run).tenant).queued.set((first as Run).id, first as Run);
      if (move === 'leaveQueue') findQueue((first as Run).tenant).queued.delete((first as Run).id);
      if (move === 'release') findQueue(first as string).held.delete(second);
      return [];
    },
    recordStart({ id }) {
      const at = promotedAt.get(id);
      promotedAt.delete(id);
      return at === undefined ? 0 : now() - at;
    },
  };
}
