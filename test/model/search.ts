// Explores all states of a scenario, breadth first, so that the trace of the first violation is a shortest one.

import type { BrokenVariant } from './broken-variants.ts';
import { makeCanonical } from './canonical.ts';
import { findEvents } from './events.ts';
import { describeInvariant, findViolation, isAtRest } from './invariants.ts';
import type { Event } from './move.ts';
import { findStuck } from './rest.ts';
import type { Scenario } from './scenarios.ts';
import { Integers, StateSet } from './state-set.ts';
import { describeTrace, type Passage } from './trace.ts';
import { World } from './world.ts';

/** More than any scenario has: a rule that lets a counter run away ends the search here, not when memory is full. */
const MAX_STATES = 6_000_000;

export interface Exploration {
  /** How many were found, the one that breaks an invariant included. */
  states: number;
  statesAtRest: number;
  /** What is broken, with the shortest way there. */
  violation?: { invariant: string; trace: string[] };
}

export function explore(scenario: Scenario, broken?: BrokenVariant): Exploration {
  return new Search(scenario, broken).run();
}

class Search {
  readonly #states = new StateSet();
  /** Of each state but the first: the state from which it was found, and which event of that state led to it. */
  readonly #parents = new Integers();
  readonly #events = new Integers();
  /** Pairs of states: what can happen without a further fault. */
  readonly #edges = new Integers();
  readonly #atRest: number[] = [];
  readonly #world: World;
  readonly #next: World;

  constructor(scenario: Scenario, broken?: BrokenVariant) {
    this.#world = new World(scenario, broken);
    this.#next = new World(scenario, broken);
  }

  run(): Exploration {
    this.#next.reset();
    makeCanonical(this.#next);
    this.#note({ id: -1, event: -1 });
    for (let id = 0; id < this.#states.size; id += 1) {
      this.#states.read(id, this.#world.words);
      if (isAtRest(this.#world)) this.#atRest.push(id);
      for (const [index, event] of findEvents(this.#world).entries()) {
        const passage = { id, event: index };
        const invariant = this.#follow(event, passage);
        if (invariant !== undefined) return this.#report(invariant, [...this.#findPassages(id), passage]);
      }
      if (this.#states.size > MAX_STATES) return this.#report(`more than ${MAX_STATES} states`, []);
    }
    return this.#checkRest();
  }

  /** Notes the state that an event leads to. Answers the invariant that is broken there. */
  #follow(event: Event, passage: Passage): string | undefined {
    const next = this.#next;
    next.copy(this.#world);
    event.happen(next);
    if (next.violation !== undefined) return next.violation;
    makeCanonical(next);
    const known = this.#states.size;
    const id = this.#note(passage);
    const isFault = next.countFaultsLeft() < this.#world.countFaultsLeft();
    if (!isFault) {
      this.#edges.push(passage.id);
      this.#edges.push(id);
    }
    return id === known ? findViolation(next) : undefined;
  }

  #note({ id: parent, event }: Passage): number {
    const known = this.#states.size;
    const id = this.#states.add(this.#next.words);
    if (id === known) {
      this.#parents.push(parent);
      this.#events.push(event);
    }
    return id;
  }

  #checkRest(): Exploration {
    const stuck = findStuck(this.#states.size, this.#edges, this.#atRest);
    if (stuck === undefined) return { states: this.#states.size, statesAtRest: this.#atRest.length };
    const invariant = describeInvariant('I9');
    return this.#report(invariant, this.#findPassages(stuck), 'from here on nothing leads to rest');
  }

  /** The events on the way from the first state to this one. */
  #findPassages(id: number): Passage[] {
    const passages: Passage[] = [];
    for (let at = id; at > 0; at = this.#parents.get(at)) {
      passages.push({ id: this.#parents.get(at), event: this.#events.get(at) });
    }
    return passages.reverse();
  }

  #report(invariant: string, passages: Passage[], ...comments: string[]): Exploration {
    const trace = [...describeTrace(passages, { states: this.#states, world: this.#world }), ...comments];
    return { states: this.#states.size, statesAtRest: this.#atRest.length, violation: { invariant, trace } };
  }
}
