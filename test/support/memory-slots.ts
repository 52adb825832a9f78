// Slots in memory: the same moves as on DynamoDB.

import type { Due, Slots } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';

const queueKey = (run: Run): string => `${9 - run.priority}#${String(run.createdAt).padStart(14, '0')}#${run.id}`;

const LOOK_MS = 10 * 60_000;

export interface MemorySlots extends Slots {
  /** What the due index would hold of them. */
  due(now: number): Due[];
}

export function makeMemorySlots(): MemorySlots {
  const looks = new Map<string, number>();
  const running = new Map<string, Set<string>>();
  const sync = new Map<string, Set<string>>();
  const waiting = new Map<string, Map<string, string>>();
  const ensureSet = (rows: Map<string, Set<string>>, tenant: string) =>
    rows.get(tenant) ?? rows.set(tenant, new Set()).get(tenant) ?? new Set();
  const ensureQueue = (tenant: string) =>
    waiting.get(tenant) ?? waiting.set(tenant, new Map()).get(tenant) ?? new Map<string, string>();
  function enter(held: Set<string>, slot: Parameters<Slots['acquire']>[0], hasRoom: boolean): boolean {
    const isIn = held.has(slot.runId) || hasRoom;
    if (!isIn) return false;
    held.add(slot.runId);
    if (!looks.has(slot.tenant)) looks.set(slot.tenant, slot.now + LOOK_MS);
    return true;
  }

  return {
    due: (now) => [...looks].flatMap(([tenant, at]) => (at <= now ? { kind: 'slots' as const, tenant } : [])),
    async acquire(slot) {
      const held = ensureSet(running, slot.tenant);
      return enter(held, slot, held.size < slot.limit && ensureQueue(slot.tenant).size === 0);
    },
    async release(tenant, runId) {
      ensureSet(running, tenant).delete(runId);
      return { queued: ensureQueue(tenant).size };
    },
    async enqueue(run) {
      ensureQueue(run.tenant).set(queueKey(run), run.id);
    },
    isQueued: async (run) => ensureQueue(run.tenant).has(queueKey(run)),
    async leaveQueue(run) {
      ensureQueue(run.tenant).delete(queueKey(run));
    },
    async promote(tenant, limit) {
      const held = ensureSet(running, tenant);
      const next = [...ensureQueue(tenant)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, Math.max(0, limit - held.size));
      for (const [place, id] of next) {
        ensureQueue(tenant).delete(place);
        held.add(id);
      }
      return next.map(([, id]) => id);
    },
    async occupancy(tenant) {
      return {
        running: [...ensureSet(running, tenant)],
        queued: ensureQueue(tenant).size,
        sync: [...ensureSet(sync, tenant)],
      };
    },
    async enterSync(slot) {
      const held = ensureSet(sync, slot.tenant);
      return enter(held, slot, held.size < slot.limit);
    },
    async leaveSync(tenant, runId) {
      ensureSet(sync, tenant).delete(runId);
    },
    async reconcileAt(tenant, dueAt) {
      const isEmpty = ensureSet(running, tenant).size + ensureSet(sync, tenant).size === 0;
      if (dueAt === undefined && isEmpty) looks.delete(tenant);
      if (dueAt !== undefined && looks.has(tenant)) looks.set(tenant, dueAt);
    },
  };
}
