// How a slice ends.

import type { Run } from '../run.ts';

export type SliceEnd =
  | { kind: 'settled'; run: Run }
  /** Its lease is released: it waits, or (`yielded`) runs on elsewhere. */
  | { kind: 'suspended'; run: Run; yielded: boolean }
  /** Somebody else has the run now. */
  | { kind: 'lost' };
