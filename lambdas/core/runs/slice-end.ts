// How a slice ends.

import type { Run } from '../run.ts';

export type SliceEnd =
  | { kind: 'settled'; run: Run }
  /** Given back: waiting, or (`yielded`) still running elsewhere. */
  | { kind: 'suspended'; run: Run; yielded: boolean }
  /** Somebody else has the run now. */
  | { kind: 'lost' };
