// Step Functions as the machine of infra/run-machine.ts goes through it: slices and Parks in turn, with its retries.
// An execution may be lost, and so may what would have woken it.

import { type Advanced, advanceRun, parkRun } from '../../lambdas/core/advance.ts';
import {
  ADVANCE_SLICE_SECONDS,
  ADVANCE_TIMEOUT_SECONDS,
  LEASE_SECONDS,
  RUN_CEILING_SECONDS,
} from '../../lambdas/core/limits.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Machine } from '../../lambdas/core/ports/runs.ts';
import { spawn } from './process.ts';
import type { World } from './world.ts';

const START_MS = 80;
const RETRY_SLICE_MS = [LEASE_SECONDS * 1_000, 2 * LEASE_SECONDS * 1_000, 4 * LEASE_SECONDS * 1_000];

type Start = Parameters<Machine['start']>[0];

export function makeExecutions(world: World): Machine {
  const { timeline, chance, faults, history } = world;
  const names = new Set<string>();
  const parks = new Map<string, () => void>();

  async function invoke(work: (ports: Ports) => Promise<unknown>) {
    await timeline.sleep(chance.int(5, START_MS));
    // Nothing has happened, so it is tried again at once.
    while (faults.happens('start throttled')) await timeline.sleep(chance.int(0, 1_000));
    return spawn(world, { role: 'advance', timeoutMs: ADVANCE_TIMEOUT_SECONDS * 1_000 }, work);
  }

  async function advance(id: { runId: string; handoff: number }): Promise<Advanced | undefined> {
    for (const delayMs of [0, ...RETRY_SLICE_MS]) {
      await timeline.sleep(delayMs);
      let said: Advanced | undefined;
      const end = await invoke(async (ports) => {
        const budgetUntil = timeline.now() + ADVANCE_SLICE_SECONDS * 1_000;
        said = await advanceRun(ports, { ...id, budgetUntil });
      });
      if (end === 'done') return said;
    }
    return undefined;
  }

  async function park(id: { runId: string; handoff: number }, seconds: number): Promise<void> {
    const token = `token-${id.runId}-${id.handoff}-${chance.int(1, 1e9)}`;
    const woken = new Promise<void>((resolve) => {
      parks.set(token, resolve);
      timeline.after(seconds * 1_000, () => (parks.has(token) ? resolve() : false));
    });
    const failed = invoke((ports) => parkRun(ports, { ...id, token })).then((end) =>
      end === 'done' ? woken : undefined,
    );
    await Promise.race([woken, failed]);
    parks.delete(token);
  }

  async function execute({ runId, handoff, parkSeconds }: Start): Promise<void> {
    const id = { runId, handoff };
    const untilMs = timeline.now() + RUN_CEILING_SECONDS * 1_000;
    let next: Pick<Advanced, 'next' | 'parkSeconds'> | undefined =
      parkSeconds === undefined ? { next: 'advance', parkSeconds: 1 } : { next: 'park', parkSeconds };
    while (next && next.next !== 'done' && timeline.now() < untilMs) {
      if (faults.happens('execution lost')) return history.note(timeline.now(), `execution ${runId}-${handoff} LOST`);
      if (next.next === 'park') await park(id, next.parkSeconds);
      next = await advance(id);
    }
  }

  return {
    async start(start) {
      const name = `${start.runId}-${start.handoff}`;
      if (names.has(name)) return;
      names.add(name);
      world.busy += 1;
      void execute(start).then(() => {
        world.busy -= 1;
      });
    },
    async wake(token) {
      const wake = parks.get(token);
      if (!wake) return false;
      if (faults.happens('wake lost')) return true;
      parks.delete(token);
      wake();
      return true;
    },
  };
}
