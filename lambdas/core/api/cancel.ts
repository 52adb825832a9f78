// Canceling a run: stored first, then whoever works on the run stops, or we end it ourselves.

import { type Actor, actForTenant, requireRun } from '../access/run-access.ts';
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
  const current = ended.kind === 'settled' ? ended.run : await waitUntilSettled(ports, asked ?? found);
  // Only now: the end of a child would wake a parent that has not noticed yet.
  await cancelChildren(ports, found);
  return current;
}

/** Runs that the run waits for, whatever their flow: nobody wants their outputs any more. */
async function cancelChildren(ports: Ports, { id, tenant }: Run): Promise<void> {
  const { records } = await ports.runs.load(id);
  const children = records.flatMap(({ status, wait }) => (status === 'waiting' ? (wait?.child ?? []) : []));
  await Promise.allSettled(children.map((child) => cancelRun(ports, actForTenant(tenant), child)));
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
