// The runs that the soak makes: what each kind asks for, and how it must end.

import type { Body } from '../support/api-client.ts';

export type KindName = keyof typeof KINDS;

interface Kind {
  mode: 'sync' | 'async';
  /** Among as many runs as all weights together. */
  weight: number;
  source: string;
  /** What the script does with the run after it was accepted. */
  follow?: 'answer' | 'cancel';
  /** Whether the run has ended as it must. `n` is its number. */
  isRight(run: Body, n: number): boolean;
}

const succeeded = (run: Body, outputs: object): boolean =>
  run.status === 'succeeded' && JSON.stringify(run.outputs) === JSON.stringify(outputs);

const QUICK = `
nodes: { twice: { type: set, with: { values: { n: "\${{ $inputs.n * 2 }}" } } } }
outputs: { n: "\${{ $nodes.twice.n }}" }`;
const CALLS = `
nodes:
  first: { type: http, with: { url: "\${{ $inputs.site }}\${{ $inputs.n }}" } }
  timer: { type: wait, needs: first, with: { for: 1s } }
  second: { type: http, needs: timer, with: { url: "\${{ $inputs.site }}\${{ $nodes.first.body.n }}" } }
outputs: { n: "\${{ $nodes.second.body.n }}" }`;
const LIST = `
nodes:
  items: { type: set, with: { values: { list: "\${{ [1..10] }}" } } }
  calls: { type: http, each: { in: $nodes.items.list, concurrency: 4 }, with: { url: "\${{ $inputs.site }}\${{ $item }}" } }
outputs: { n: "\${{ $inputs.n }}", sum: "\${{ $sum($nodes.calls.body.n) }}" }`;
// Long enough to leave the slice and be parked.
const PARKED = `
nodes: { timer: { type: wait, with: { for: 31s } } }
outputs: { n: "\${{ $inputs.n }}" }`;
// Far longer than it may take until somebody is there to cancel it.
const ENDLESS = `
nodes: { timer: { type: wait, with: { for: 1h } } }
outputs: { n: "\${{ $inputs.n }}" }`;
const ASKS = `
nodes: { decision: { type: callback, timeout: 1h, with: { message: Yes? } } }
outputs: { n: "\${{ $inputs.n }}", yes: "\${{ $nodes.decision.yes }}" }`;
const FAILS = `
nodes: { stop: { type: fail, with: { code: NO, message: It must not be } } }
outputs: { n: "\${{ $inputs.n }}" }`;

export const KINDS = {
  quick: { mode: 'async', weight: 4, source: QUICK, isRight: (run, n) => succeeded(run, { n: n * 2 }) },
  quickSync: { mode: 'sync', weight: 2, source: QUICK, isRight: (run, n) => succeeded(run, { n: n * 2 }) },
  calls: { mode: 'async', weight: 4, source: CALLS, isRight: (run, n) => succeeded(run, { n }) },
  callsSync: { mode: 'sync', weight: 2, source: CALLS, isRight: (run, n) => succeeded(run, { n }) },
  list: { mode: 'async', weight: 2, source: LIST, isRight: (run, n) => succeeded(run, { n, sum: 55 }) },
  parked: { mode: 'async', weight: 1, source: PARKED, isRight: (run, n) => succeeded(run, { n }) },
  asks: {
    mode: 'async',
    weight: 2,
    source: ASKS,
    follow: 'answer',
    isRight: (run, n) => succeeded(run, { n, yes: true }),
  },
  fails: {
    mode: 'async',
    weight: 2,
    source: FAILS,
    isRight: ({ status, error }) => status === 'failed' && error.node === 'stop',
  },
  canceled: {
    mode: 'async',
    weight: 1,
    source: ENDLESS,
    follow: 'cancel',
    isRight: ({ status }) => status === 'canceled',
  },
} as const satisfies Record<string, Kind>;

export const NAMES = Object.keys(KINDS) as KindName[];

export const pickKind = (name: KindName): Kind => KINDS[name];

/** Which flow a kind runs under; the kind's own name. */
export function readSource(name: KindName): string {
  return `flow: 1\nname: ${name}\ninputs: { n: { type: integer, required: true }, site: { type: string } }${KINDS[name].source}\n`;
}

const DRAWN = NAMES.flatMap((name) => Array.from({ length: KINDS[name].weight }, () => name));

export function drawKind(): KindName {
  return DRAWN[Math.floor(Math.random() * DRAWN.length)] ?? 'quick';
}
