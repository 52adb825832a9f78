// The sections of the bench, in the order in which they run.

import type { Line } from './report.ts';
import { async } from './sections/async.ts';
import { cost } from './sections/cost.ts';
import { cpu } from './sections/cpu.ts';
import { fairness } from './sections/fairness.ts';
import { memory } from './sections/memory.ts';
import { ops } from './sections/ops.ts';
import { size } from './sections/size.ts';
import { start } from './sections/start.ts';
import { sync } from './sections/sync.ts';

interface Section {
  title: string;
  run(): Promise<Line[]>;
}

export const SECTIONS: Record<string, Section> = {
  ops: { title: 'AWS operations of an asynchronous run of three nodes with two webhooks', run: ops },
  async: { title: '500 asynchronous runs, 32 callers, on this machine', run: async },
  sync: { title: 'a synchronous run of three nodes on this machine', run: sync },
  size: { title: 'bundles and cold starts', run: size },
  start: { title: '`npm start` until it is ready', run: start },
  cpu: { title: 'processor time of the compiler and the engine', run: cpu },
  fairness: { title: "one tenant's flood of 2,000 runs, and another's ten", run: fairness },
  memory: { title: 'heap of one process that takes 10,000 runs, after collecting garbage', run: memory },
  cost: { title: 'a million asynchronous runs on AWS', run: cost },
};
