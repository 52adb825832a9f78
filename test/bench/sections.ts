// The sections of the bench, in the order in which they run.

import type { Line } from './report.ts';
import { ops } from './sections/ops.ts';

interface Section {
  title: string;
  run(): Promise<Line[]>;
}

export const SECTIONS: Record<string, Section> = {
  ops: { title: 'AWS operations per asynchronous run of three nodes with two webhooks', run: ops },
};
