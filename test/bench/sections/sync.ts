// How long the caller of a synchronous run of three nodes waits on this machine.

import { FLOW, times } from '../drive.ts';
import { SYNC_P50_MS } from '../figures.ts';
import { startPlatform } from '../platform.ts';
import { atMost, figure, type Line, percentile } from '../report.ts';

const CALLS = 300;
const WARM_UP = 60;
const WIDTH = 8;

export async function sync(): Promise<Line[]> {
  await using platform = await startPlatform();
  const { api } = platform;
  const call = async (): Promise<number> => {
    const startedMs = performance.now();
    const { status, body } = await api.call('POST', `/v1/flows/${FLOW}/runs`, { inputs: { name: 'Ada' } });
    if (status !== 200 || body.outputs.text !== 'Ada pays 12') throw new Error(`${status} ${JSON.stringify(body)}`);
    return performance.now() - startedMs;
  };
  await times({ count: WARM_UP, width: 1 }, call);
  const alone = await times({ count: CALLS, width: 1 }, call);
  await times({ count: WARM_UP, width: WIDTH }, call);
  const startedMs = performance.now();
  const together = await times({ count: CALLS, width: WIDTH }, call);
  const seconds = (performance.now() - startedMs) / 1_000;
  return [
    atMost('one caller, p50', percentile(alone, 0.5), { most: SYNC_P50_MS, unit: 'ms' }),
    figure('one caller, p99', percentile(alone, 0.99), 'ms'),
    figure(`${WIDTH} callers, p50`, percentile(together, 0.5), 'ms'),
    figure(`${WIDTH} callers, p99`, percentile(together, 0.99), 'ms'),
    figure(`${WIDTH} callers`, CALLS / seconds, 'runs/s'),
  ];
}
