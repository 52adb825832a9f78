// Canceling a run: stored first, then whoever works on the run stops, or we end it ourselves.

import { type Actor, requireRun } from '../access/run-access.ts';
import { CANCEL_WAIT_SECONDS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import { endIdleRun } from '../runs/settle.ts';

const POLL_MS = 250;

/** Idempotent. The run as it is then: canceled, or still running when its slice needs longer to stop. */
export async function cancelRun(ports: Ports, actor: Actor, runId: string): Promise<Run> {
  const found = await requireRun(ports, actor, runId);
  if (isSettled(found.status)) return found;
  const asked = await ports.runs.requestCancel(runId);
  const ended = await endIdleRun(ports, asked ?? found, { status: 'canceled' });
  return ended.kind === 'settled' ? ended.run : waitUntilSettled(ports, asked ?? found);
}

async function waitUntilSettled(ports: Ports, run: Run): Promise<Run> {
  const until = ports.clock.now() + CANCEL_WAIT_SECONDS * 1_000;
  let seen = run;
  while (!isSettled(seen.status) && ports.clock.now() < until) {
    await ports.clock.sleep(POLL_MS);
    seen = (await ports.runs.get(run.id)) ?? seen;
  }
  return seen;
}
