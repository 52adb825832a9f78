// A sync or stream run in the process of its call.

import { runSlice } from '../engine/run-slice.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run } from '../run.ts';
import type { Emit } from '../runs/events.ts';
import { startHandoff } from '../runs/handoff.ts';
import { startChild } from './start-child.ts';

/**
 * Runs the slice here, and hands the run to the machine where it must wait or does not fit. Resolves with the run as it
 * is then: settled, waiting, or going on elsewhere. `untilMs` (epoch) is when the caller is let go.
 */
export async function runInline(
  ports: Ports,
  run: Run,
  { untilMs, emit }: { untilMs: number; emit?: Emit },
): Promise<Run> {
  try {
    const end = await runSlice(ports, run, { budgetUntil: untilMs, handoff: true, startChild, emit });
    if (end.kind === 'settled') return end.run;
    if (end.kind === 'suspended') {
      await ports.slots.leaveSync(run.tenant, run.id);
      await startHandoff(ports, end);
      return end.run;
    }
  } catch (error) {
    ports.log.error('a slice ended in a fault; the run goes on elsewhere', { run: run.id, error });
    await ports.slots.leaveSync(run.tenant, run.id).catch(() => {});
  }
  return (await ports.runs.get(run.id)) ?? run;
}
