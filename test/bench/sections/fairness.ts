// What one tenant's flood does to another's few runs.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeApiClient } from '../../support/api-client.ts';
import { spawnRuntime } from '../../support/runtime.ts';
import { floodAndLittle } from '../../support/two-tenants.ts';
import { figure, type Line, percentile } from '../report.ts';

const FLOOD = { count: 2_000, limit: 50 };

export async function fairness(): Promise<Line[]> {
  const stateDir = await mkdtemp(join(tmpdir(), 'errand-bench-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(stateDir, { recursive: true, force: true }));
  const { baseUrl, key } = stack.use(await spawnRuntime({ stateDir }));
  const { aloneMs, besideMs, endedMeanwhile } = await floodAndLittle(makeApiClient(baseUrl, key), FLOOD);
  const [alone, beside] = [percentile(aloneMs, 0.5), percentile(besideMs, 0.5)];
  return [
    figure('ten runs alone, p50', alone, 'ms'),
    figure('ten runs beside the flood, p50', beside, 'ms'),
    figure('  times as long', beside / alone, ''),
    figure('  slowest', Math.max(...besideMs), 'ms'),
    figure(`of the flood's ${FLOOD.count.toLocaleString('en-US')} runs, ended by then`, endedMeanwhile, ''),
  ];
}
