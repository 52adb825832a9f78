// Slots in memory: the same moves as on DynamoDB.

import type { Due, Slots } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';

const placeOf = (run: Run): string => `${9 - run.priority}#${String(run.createdAt).padStart(14, '0')}#${run.id}`;

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
  const setOf = (rows: Map<string, Set<string>>, tenant: string) =>
    rows.get(tenant) ?? rows.set(tenant, new Set()).get(tenant) ?? new Set();
  const roomOf = (tenant: string) =>
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
      const held = setOf(running, slot.tenant);
      return enter(held, slot, held.size < slot.limit && roomOf(slot.tenant).size === 0);
    },
    async release(tenant, runId) {
      setOf(running, tenant).delete(runId);
      return { queued: roomOf(tenant).size };
    },
    async enqueue(run) {
      roomOf(run.tenant).set(placeOf(run), run.id);
    },
    isQueued: async (run) => roomOf(run.tenant).has(placeOf(run)),
    async leaveQueue(run) {
      roomOf(run.tenant).delete(placeOf(run));
    },
    async promote(tenant, limit) {
      const held = setOf(running, tenant);
      const next = [...roomOf(tenant)].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, Math.max(0, limit - held.size));
      for (const [place, id] of next) {
        roomOf(tenant).delete(place);
        held.add(id);
      }
      return next.map(([, id]) => id);
    },
    async occupancy(tenant) {
      return { running: [...setOf(running, tenant)], queued: roomOf(tenant).size, sync: [...setOf(sync, tenant)] };
    },
    async enterSync(slot) {
      const held = setOf(sync, slot.tenant);
      return enter(held, slot, held.size < slot.limit);
    },
    async leaveSync(tenant, runId) {
      setOf(sync, tenant).delete(runId);
    },
    async reconcileAt(tenant, dueAt) {
      const isEmpty = setOf(running, tenant).size + setOf(sync, tenant).size === 0;
      if (dueAt === undefined && isEmpty) looks.delete(tenant);
      if (dueAt !== undefined && looks.has(tenant)) looks.set(tenant, dueAt);
    },
  };
}
