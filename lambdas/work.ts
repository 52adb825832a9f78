// The worker function: receives several queued runs at once and runs them side by side, because runs mostly wait.

import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { batch } from './batch.ts';
import { WORK_SLICE_SECONDS } from './core/limits.ts';
import { workRun } from './core/work.ts';
import { readEnvironment } from './env.ts';
import { makePorts } from './wiring.ts';

const env = readEnvironment('work');
const ports = makePorts('work', env);

export function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const budgetUntil = ports.clock.now() + WORK_SLICE_SECONDS * 1_000;
  return batch<{ runId: string }>(event, ports.log, ({ runId }) =>
    workRun(ports, { runId, budgetUntil, machineAlways: env.MACHINE_MODE === 'always' }),
  );
}
