// What can happen, as the search sees it.

import type { Process } from './items.ts';
import type { Step } from './steps.ts';
import type { World } from './world.ts';

/**
 * Something that a process does. `n` is the run or the webhook that it is about. It answers the step that the process takes
 * next; a process that becomes idle forgets what it has in memory.
 */
export interface Move {
  readonly name: string | ((world: World, me: Process, n: number) => string);
  /** Absent: always. */
  readonly isPossible?: (world: World, me: Process, n: number) => boolean;
  readonly happen: (world: World, me: Process, n: number) => Step;
}

/** Something that happens outside of all processes. `r` is the run that it is about. */
export interface OutsideEvent {
  readonly name: string | ((world: World) => string);
  readonly isPossible: (world: World, r: number) => boolean;
  readonly happen: (world: World, r: number) => void;
}

/** A move or an outside event that is possible in one state. It happens in a copy of that state. */
export interface Event {
  readonly describe: () => string;
  readonly happen: (copy: World) => void;
}
