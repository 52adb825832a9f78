// Whether a process that works for long keeps anything of the runs that it has done.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { times } from '../drive.ts';
import { HEAP_GROWTH_MB } from '../figures.ts';
import { atMost, figure, type Line } from '../report.ts';
import { startOneProcess } from '../worker.ts';

const RUNS = 10_000;
const STEP = 1_000;
const WIDTH = 10;
// Until then caches fill and code is compiled.
const SETTLED_AFTER = 2_000;
const MB = 1_024 * 1_024;

export async function memory(): Promise<Line[]> {
  const collect = garbageCollector();
  await using one = await startOneProcess();
  const heaps: { after: number; mb: number }[] = [];
  for (let done = 0; done < RUNS; done += STEP) {
    await times({ count: STEP, width: WIDTH }, (index) => one.run(done + index));
    collect();
    heaps.push({ after: done + STEP, mb: process.memoryUsage().heapUsed / MB });
  }
  const settled = heaps.find(({ after }) => after === SETTLED_AFTER)?.mb ?? 0;
  return [
    ...heaps.map(({ after, mb }) => figure(`after ${after.toLocaleString('en-US')} runs`, mb, 'MB')),
    atMost(`more than after ${SETTLED_AFTER.toLocaleString('en-US')}`, (heaps.at(-1)?.mb ?? 0) - settled, {
      most: HEAP_GROWTH_MB,
      unit: 'MB',
    }),
  ];
}

/** As with `--expose-gc`, for this process as it was started. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
