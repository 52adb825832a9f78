// A follower of the detailed run's events: it shows entries of the log without a gap, the end when `last` is reached.

import { isSettled } from './items.ts';
import type { OutsideEvent } from './move.ts';
import { DETAILED_RUN, type World } from './world.ts';

const isFollowing = ({ scenario, follower }: World): boolean => scenario.hasFollower && follower.isFinished === 0;

export const FOLLOWER_EVENTS: readonly OutsideEvent[] = [
  {
    name: 'the follower shows an entry',
    isPossible(world) {
      const { end, entries } = world.follower;
      const isBeforeEnd = end === 0 || entries < end - 1;
      return isFollowing(world) && isBeforeEnd && world.getEntry(entries + 1) !== 0;
    },
    happen(world) {
      world.follower.entries += 1;
      const k = world.follower.entries;
      world.setShownEntry(k, world.getEntry(k));
    },
  },
  {
    name: 'the follower reads the settled run',
    isPossible: (world) =>
      isFollowing(world) && world.follower.end === 0 && isSettled(world.getRun(DETAILED_RUN).status),
    happen({ follower, settlement }) {
      follower.end = settlement.last + 1;
    },
  },
  {
    name: 'the follower shows the end',
    isPossible: (world) => isFollowing(world) && world.follower.end === world.follower.entries + 1,
    happen({ follower }) {
      follower.isFinished = 1;
    },
  },
];
