// Describes the way to a state, event by event.

import { makeCanonical } from './canonical.ts';
import { findEvents } from './events.ts';
import type { StateSet } from './state-set.ts';
import type { World } from './world.ts';

/** An event of a state, by its place among all that are possible there. */
export interface Passage {
  id: number;
  event: number;
}

/** The canonical form may swap the two workers: their names in the trace are those that they had at first. */
export function describeTrace(
  passages: readonly Passage[],
  { states, world }: { states: StateSet; world: World },
): string[] {
  let areSwapped = false;
  return passages.map(({ id, event: index }) => {
    states.read(id, world.words);
    const event = findEvents(world)[index];
    if (event === undefined) throw new Error(`state ${id} has no event ${index}`);
    const step = areSwapped ? swapWorkers(event.describe()) : event.describe();
    event.happen(world);
    areSwapped = areSwapped !== makeCanonical(world);
    return step;
  });
}

const swapWorkers = (step: string): string =>
  step.replace(/^worker [12]/, (name) => (name === 'worker 1' ? 'worker 2' : 'worker 1'));
