// I9: from every state everything can come to rest without a further fault.

import { Integers } from './state-set.ts';

/** The first state from which no state at rest can be reached: it goes backwards from those. */
export function findStuck(states: number, edges: Integers, atRest: readonly number[]): number | undefined {
  const incoming = linkIncoming(states, edges);
  const reachesRest = new Uint8Array(states);
  const open = new Integers();
  const mark = (id: number): void => {
    if (reachesRest[id] === 1) return;
    reachesRest[id] = 1;
    open.push(id);
  };
  for (const id of atRest) mark(id);
  for (let i = 0; i < open.length; i += 1) {
    for (let e = incoming.first(open.get(i)); e >= 0; e = incoming.next(e)) mark(edges.get(2 * e));
  }
  const stuck = reachesRest.indexOf(0);
  return stuck < 0 ? undefined : stuck;
}

/** The edges that lead to each state, as linked lists. */
function linkIncoming(states: number, edges: Integers) {
  const heads = new Int32Array(states).fill(-1);
  const links = new Int32Array(edges.length / 2);
  for (let e = 0; e < links.length; e += 1) {
    const to = edges.get(2 * e + 1);
    links[e] = heads[to] as number;
    heads[to] = e;
  }
  return { first: (id: number) => heads[id] as number, next: (e: number) => links[e] as number };
}
