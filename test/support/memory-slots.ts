// Slots in memory: the same moves as on DynamoDB.

import type { Slots } from '../../lambdas/core/ports.ts';
import type { Run } from '../../lambdas/core/run.ts';

const placeOf = (run: Run): string => `${9 - run.priority}#${String(run.createdAt).padStart(14, '0')}#${run.id}`;

export function makeMemorySlots(): Slots {
  const running = new Map<string, Set<string>>();
  const sync = new Map<string, Set<string>>();
  const waiting = new Map<string, Map<string, string>>();
  const setOf = (rows: Map<string, Set<string>>, tenant: string) =>
    rows.get(tenant) ?? rows.set(tenant, new Set()).get(tenant) ?? new Set();
  const roomOf = (tenant: string) =>
    waiting.get(tenant) ?? waiting.set(tenant, new Map()).get(tenant) ?? new Map<string, string>();
  const enter = (held: Set<string>, runId: string, hasRoom: boolean): boolean => {
    if (held.has(runId)) return true;
    if (hasRoom) held.add(runId);
    return hasRoom;
  };

  return {
    async acquire({ tenant, runId, limit }) {
      const held = setOf(running, tenant);
      return enter(held, runId, held.size < limit && roomOf(tenant).size === 0);
    },
    async release(tenant, runId) {
      setOf(running, tenant).delete(runId);
      return { waiting: roomOf(tenant).size };
    },
    async wait(run) {
      roomOf(run.tenant).set(placeOf(run), run.id);
    },
    waits: async (run) => roomOf(run.tenant).has(placeOf(run)),
    async leave(run) {
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
      return { running: [...setOf(running, tenant)], waiting: roomOf(tenant).size, sync: [...setOf(sync, tenant)] };
    },
    async enterSync({ tenant, runId, limit }) {
      const held = setOf(sync, tenant);
      return enter(held, runId, held.size < limit);
    },
    async leaveSync(tenant, runId) {
      setOf(sync, tenant).delete(runId);
    },
    async reconcileAt() {},
  };
}
