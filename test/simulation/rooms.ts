// Waiting rooms and slots of the tenants, as their moves tell: who waits, who was called, who works.

import type { Slots } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';
import type { Call } from './process.ts';

export interface Rooms {
  /** A move of the slots and what it came to; answers with what is wrong about it. */
  moved(call: Pick<Call, 'port' | 'method' | 'args'>, answer: unknown): string[];
  /** The run has begun to work; answers how long it has had its slot before. */
  began(run: Run): number;
}

interface Room {
  waiting: Map<string, Run>;
  held: Set<string>;
}

const isBefore = (a: Run, b: Run): boolean =>
  a.priority !== b.priority ? a.priority > b.priority : `${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}`;

export function makeRooms(now: () => number): Rooms {
  const rooms = new Map<string, Room>();
  const seatedAt = new Map<string, number>();
  const roomOf = (tenant: string): Room => {
    const known = rooms.get(tenant) ?? { waiting: new Map(), held: new Set() };
    rooms.set(tenant, known);
    return known;
  };

  function promoted(room: Room, ids: string[]): string[] {
    const seated = ids.flatMap((id) => room.waiting.get(id) ?? []);
    for (const { id } of seated) {
      room.waiting.delete(id);
      room.held.add(id);
      seatedAt.set(id, now());
    }
    const ahead = seated.flatMap((run) => [...room.waiting.values()].filter((other) => isBefore(other, run)));
    const isInOrder = seated.every((run, index) => index === 0 || isBefore(seated[index - 1] as Run, run));
    return [
      ...ahead.map(({ id }) => `${id} is passed over in the waiting room`),
      ...(isInOrder ? [] : [`runs are called out of order: ${ids.join(', ')}`]),
    ];
  }

  function acquired({ tenant, runId, limit }: Parameters<Slots['acquire']>[0], isIn: boolean): string[] {
    const { waiting, held } = roomOf(tenant);
    if (!isIn) return [];
    const overtakes = !held.has(runId) && waiting.size > 0;
    held.add(runId);
    const complaints = overtakes ? [`${runId} overtakes ${waiting.size} who wait`] : [];
    return held.size > limit ? [...complaints, `${tenant} has ${held.size} slots of ${limit}`] : complaints;
  }

  return {
    moved({ port, method, args }, answer) {
      if (port !== 'slots') return [];
      const [first, second] = args as [unknown, string];
      if (method === 'acquire') return acquired(first as Parameters<Slots['acquire']>[0], answer === true);
      if (method === 'promote') return promoted(roomOf(first as string), answer as string[]);
      if (method === 'wait') roomOf((first as Run).tenant).waiting.set((first as Run).id, first as Run);
      if (method === 'leave') roomOf((first as Run).tenant).waiting.delete((first as Run).id);
      if (method === 'release') roomOf(first as string).held.delete(second);
      return [];
    },
    began({ id }) {
      const at = seatedAt.get(id);
      seatedAt.delete(id);
      return at === undefined ? 0 : now() - at;
    },
  };
}
