// The function of the Step Functions machine: a slice of a long run, or the parking of a waiting one.

import { type Advanced, advanceRun, parkRun } from './core/advance.ts';
import { ADVANCE_SLICE_SECONDS } from './core/limits.ts';
import { readEnvironment } from './env.ts';
import { makePorts } from './wiring.ts';

type AdvanceEvent =
  | { action: 'advance'; runId: string; handoff: number }
  | { action: 'park'; runId: string; handoff: number; token: string };

const ports = makePorts('advance', readEnvironment('advance'));

export async function handler(event: AdvanceEvent): Promise<Advanced | undefined> {
  if (event.action === 'park') {
    await parkRun(ports, event);
    return undefined;
  }
  const budgetUntil = ports.clock.now() + ADVANCE_SLICE_SECONDS * 1_000;
  return advanceRun(ports, { ...event, budgetUntil });
}
