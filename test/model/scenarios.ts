// The scenarios: what exists in each world that is explored, and how many faults may happen in it.

/** A cancel is counted with the faults, for it comes from outside. */
export const FAULTS = ['crashes', 'freezes', 'lostMessages', 'duplicates', 'failedAttempts', 'cancels'] as const;

/**
 * `chance` has no effect, but another result in every epoch. `effect` changes the outside world. `wait` needs a signal.
 */
export type NodeKind = 'chance' | 'effect' | 'wait';

export interface Scenario {
  runs: number;
  /** One or two. */
  workers: number;
  /** Nodes of the detailed run, one after the other; at most two. */
  nodes: readonly NodeKind[];
  /** Webhooks of the detailed run; at most two. */
  webhooks: number;
  /** The tenant's limit of running runs. 0: slots are left out. */
  slotLimit: number;
  hasSweeper: boolean;
  hasFollower: boolean;
  /** The runs of which one may be canceled. */
  cancelable: readonly number[];
  /** How often each fault may happen. */
  faults: Readonly<Partial<Record<(typeof FAULTS)[number], number>>>;
}

const ONE_RUN: Scenario = {
  runs: 1,
  workers: 2,
  nodes: ['chance', 'effect'],
  webhooks: 1,
  slotLimit: 0,
  hasSweeper: true,
  hasFollower: false,
  cancelable: [0],
  faults: {},
};
const TWO_RUNS: Scenario = { ...ONE_RUN, runs: 2, nodes: [], webhooks: 0, slotLimit: 1 };

export const SCENARIOS = {
  'run: chance, then an effect': {
    ...ONE_RUN,
    hasFollower: true,
    faults: { crashes: 2, freezes: 2, duplicates: 2, lostMessages: 1 },
  },
  'run: two effects': {
    ...ONE_RUN,
    nodes: ['effect', 'effect'],
    hasFollower: true,
    faults: { crashes: 2, freezes: 2, duplicates: 2 },
  },
  'run: canceled': {
    ...ONE_RUN,
    hasFollower: true,
    faults: { crashes: 2, freezes: 1, duplicates: 1, cancels: 1 },
  },
  'run: waits for a signal': {
    ...ONE_RUN,
    nodes: ['wait', 'effect'],
    webhooks: 0,
    faults: { crashes: 1, freezes: 1, cancels: 1 },
  },
  'slots: one waits, no sweeper': { ...TWO_RUNS, nodes: ['wait'], hasSweeper: false },
  'deliveries: two webhooks': {
    ...ONE_RUN,
    nodes: [],
    webhooks: 2,
    faults: { crashes: 2, freezes: 1, lostMessages: 1, duplicates: 1, failedAttempts: 2 },
  },
  'slots: one slot, two runs': { ...TWO_RUNS, faults: { crashes: 2, freezes: 1 } },
  'slots: three runs, one worker': { ...TWO_RUNS, runs: 3, workers: 1, faults: { crashes: 2 } },
  'slots: a message twice': { ...TWO_RUNS, faults: { duplicates: 1 } },
  'slots: one of two is canceled': { ...TWO_RUNS, cancelable: [1], faults: { cancels: 1 } },
  'all together': {
    ...TWO_RUNS,
    nodes: ['effect'],
    webhooks: 1,
    hasSweeper: false,
    hasFollower: true,
    faults: { duplicates: 1, cancels: 1 },
  },
  'four runs, no faults, no sweeper': { ...TWO_RUNS, runs: 4, hasSweeper: false },
  'no faults, no sweeper': { ...TWO_RUNS, nodes: ['chance', 'effect'], webhooks: 2, hasSweeper: false },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

/** Over a million states each: `npm run model -- --bounded` leaves them out. */
export const LARGE_SCENARIOS: readonly ScenarioName[] = [
  'slots: a message twice',
  'slots: one of two is canceled',
  'all together',
];
