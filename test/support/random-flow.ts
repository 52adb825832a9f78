// Random flows: every control rule of the format, with nodes whose work is counted. Without interruptions every run of
// them succeeds.

import * as fc from 'fast-check';

export const KINDS = [
  'work',
  'flaky',
  'broken',
  'rescued',
  'set',
  'template',
  'first',
  'items',
  'tolerant',
  'group',
  'rounds',
  'choice',
  'delay',
  'long',
  'ask',
] as const;
type Kind = (typeof KINDS)[number];

export interface Shape {
  kind: Kind;
  /** Which of the nodes before it a node mentions, as fractions of their number. */
  after: number[];
  ms: number;
}

export const shapes = fc.array(
  fc.record<Shape>({
    kind: fc.oneof(fc.constant<Kind>('work'), fc.constantFrom(...KINDS)),
    after: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 2 }),
    ms: fc.integer({ min: 0, max: 3_000 }),
  }),
  { minLength: 2, maxLength: 7 },
);

/** Every unit of a flaky node fails this often before it answers. */
const FAILURES = 2;
const RETRY = { max: FAILURES, delay: '3s', jitter: false };
/** How often a unit may run without any crash. */
export const MAX_ATTEMPTS = FAILURES + 1;

/** The payload of a node's function; calls are counted by name and item. */
export interface WorkOrder {
  run: string;
  name: string;
  ms: number;
  seen: unknown;
  item?: number;
  /** Fails the first calls, or all. */
  fails?: number;
}

type Make = (at: { name: string; needs: object; call(more?: object, name?: string): object; seen: string[] }) => object;

const NODES: Record<Kind, Make> = {
  work: ({ call }) => call(),
  flaky: ({ call }) => ({ ...call({ fails: FAILURES }), retry: { ...RETRY, delay: '40s' } }),
  broken: ({ call }) => ({ ...call({ fails: 99 }), onError: { output: '${{ $error.code }}' } }),
  rescued: ({ call }) => ({ ...call({ fails: 99 }), retry: RETRY, onError: 'continue' }),
  set: ({ seen, name }) => ({ type: 'set', with: { values: { name, seen } } }),
  template: ({ needs, name }) => ({ type: 'template', ...needs, with: { text: `Here is ${name}` } }),
  first: ({ seen }) => ({ type: 'first', with: { values: [...seen, 'nothing'] } }),
  items: ({ call }) => ({ ...call({ item: '${{ $item }}' }), each: { in: '[1, 2, 3]', concurrency: 2 } }),
  tolerant: ({ call }) => ({
    ...call({ item: '${{ $item }}', fails: '${{ $item = 2 ? 99 : 0 }}' }),
    each: { in: '[1, 2, 3]', onItemError: 'null' },
  }),
  group: ({ call, name }) => ({
    type: 'group',
    each: { in: '[1, 2]', concurrency: 2 },
    with: {
      nodes: {
        inner: { ...call({ item: '${{ $item }}', fails: 1 }, `${name}.inner`), retry: RETRY },
        after: { type: 'wait', needs: 'inner', with: { for: '1s' } },
      },
      output: '${{ $nodes.inner }}',
    },
  }),
  rounds: ({ call, name }) => ({
    type: 'group',
    repeat: { max: 3, vars: { n: 0 }, next: { n: '${{ $vars.n + 1 }}' } },
    with: { nodes: { inner: call({ item: '${{ $vars.n }}' }, `${name}.inner`) }, output: '${{ $nodes.inner }}' },
  }),
  choice: ({ needs, name }) => ({
    type: 'switch',
    ...needs,
    with: { cases: [{ id: 'yes', when: `$contains("${name}", "1")` }], default: 'no' },
  }),
  delay: ({ needs }) => ({ type: 'wait', ...needs, with: { for: '2s' } }),
  long: ({ needs }) => ({ type: 'wait', ...needs, with: { for: '2m' } }),
  ask: ({ needs }) => ({ type: 'callback', ...needs, timeout: '1h', with: { message: 'Well?' } }),
};

function makeNode({ kind, after, ms }: Shape, n: number): object {
  const mentioned = n === 0 ? [] : [...new Set(after.map((at) => `n${Math.floor(at * n)}`))];
  const seen = mentioned.map((id) => `\${{ $nodes.${id} }}`);
  // A branch that is not taken, or a failure that is handled, skips no node.
  const needs = mentioned.length > 0 ? { needs: mentioned, join: 'settled' } : {};
  const call = (more: object = {}, name = `n${n}`) => ({
    type: 'lambda',
    join: 'settled',
    with: { function: 'work', payload: { run: '${{ $run.id }}', name, ms, seen, ...more } },
  });
  return NODES[kind]({ name: `n${n}`, needs, call, seen });
}

/** The flow as JSON, which is YAML, too. */
export function writeSource(drawn: readonly Shape[], name = 'random'): string {
  const nodes = Object.fromEntries(drawn.map((it, n) => [`n${n}`, makeNode(it, n)]));
  const outputs = Object.fromEntries(drawn.map((_, n) => [`o${n}`, `\${{ $nodes.n${n} }}`]));
  return JSON.stringify({ flow: 1, name, nodes, outputs });
}
