// Sources that are no flows, or that try to hang or crash whoever reads them.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { compile } from '../../lambdas/core/flow/compile.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';

const READ_WITHIN_MS = 6_000;

describe('a text that cannot be read', () => {
  test.each<[string, string, string]>([
    ['nothing', ' \n', '1:1 the flow is empty'],
    ['a list', '- a\n', '1:1 a flow is a map with flow, name and nodes'],
    ['a word', 'hello\n', '1:1 a flow is a map with flow, name and nodes'],
    ['JSON without its end', '{"flow": 1,', '1:12 flow map must end with a }'],
    ['a key twice', 'flow: 1\nname: a\nname: b\n', "3:1 the key 'name' occurs twice"],
    ['a key that is a map', '? {a: 1}\n: 2\n', '1:3 a key must be a plain text'],
    [
      'an alias without an anchor',
      'a: *nope\n',
      '1:4 there is no anchor &nope (put quotes around a text that begins with *)',
    ],
    ['an alias of itself', 'a: &a [*a]\n', '1:1 an alias refers to itself'],
    ['half of a character', 'a: 1\nb: "cut \\ud83d"\n', '2:4 the text contains half of a character'],
    ['half of a character in a key', '"\\udc00": 1\n', '1:1 the text contains half of a character'],
    ['a tag', 'a: !!js/function x\n', '1:4 unresolved tag: tag:yaml.org,2002:js/function'],
  ])('%s', async (_, source, expected) => {
    const { readable, problems, plan } = await compile(source, NODE_KINDS);
    expect(readable).toBe(false);
    expect(plan).toBeUndefined();
    expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([expected]);
  });

  test('gets a hint where YAML stumbles over an expression', async () => {
    const { problems } = await compile('flow: 1\nname: x\ndescription: ${{ $a ? 1 : 2 }}\n', NODE_KINDS);
    expect(problems[0]?.message).toMatch(/put quotes around a text with ': ' or ' #' inside \$\{\{ \}\}/);
  });
});

describe('a text that is an attack', () => {
  const lines = (n: number, line: (n: number) => string) =>
    Array.from({ length: n }, (_, index) => line(index)).join('\n');

  test.each<[string, string]>([
    [
      'a bomb of aliases',
      `a: &a [${'x,'.repeat(9)}x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]\n`,
    ],
    ['a long text many times', `a: &a ${'x'.repeat(200_000)}\n${lines(48, (n) => `b${n}: *a`)}\n`],
    ['brackets', '['.repeat(250_000)],
    ['braces', '{a: '.repeat(60_000)],
    ['dashes', '- '.repeat(120_000)],
    ['question marks', '? '.repeat(120_000)],
    ['quotes', '"'.repeat(250_000)],
    ['anchors', '&a '.repeat(80_000)],
    ['many keys', `{${lines(24_000, (n) => `k${n}: 1,`)}}`],
    ['many nodes', `flow: 1\nname: x\nnodes:\n${lines(9_000, (n) => ` n${n}: {type: set}`)}`],
    ['deep maps', lines(300, (n) => `${' '.repeat(n)}k:`)],
    [
      'many expressions',
      `flow: 1\nname: x\nnodes: { a: { type: set, with: { values: { x: "${'${{ $a }}'.repeat(20_000)}" } } } }`,
    ],
    [
      'long expressions',
      `flow: 1\nname: x\nnodes: { a: { type: set, with: { values: [${`"\${{ ${'1+'.repeat(1_900)}1 }}",`.repeat(60)}] } } }`,
    ],
  ])('%s', async (_, source) => {
    const began = performance.now();
    const { plan, problems } = await compile(source, NODE_KINDS);
    expect(plan).toBeUndefined();
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.length).toBeLessThanOrEqual(100);
    expect(performance.now() - began).toBeLessThan(READ_WITHIN_MS);
  });
});

describe('whatever comes', () => {
  const words = fc.constantFrom(
    ...['flow', 'name', 'nodes', 'inputs', 'outputs', 'type', 'with', 'needs', 'each', 'in', 'when', 'repeat', 'retry'],
    ...[
      'max',
      'until',
      'onError',
      'output',
      'values',
      'cases',
      'id',
      '__proto__',
      'constructor',
      'a',
      'b',
      'settings',
      'mode',
    ],
  );
  const texts = fc.constantFrom(
    ...[
      'set',
      'group',
      'http',
      'switch',
      'wait',
      'callback',
      'a',
      'b',
      'a:x',
      '${{ $nodes.a }}',
      '$item',
      '${{',
      '30s',
      '',
    ],
    ...['${{ $inputs.a & $vars.b }}', 'async', '*a', '&a x', ': #', '\u0000', '\ud800'],
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      texts,
      fc.constantFrom(null, true, 0, 1, -1, 1e308, Number.NaN),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(words, tie('any'), { maxKeys: 6 }),
    ),
  })).any;

  const judged = async (source: string) => {
    const { plan, digest, problems, async, sync } = await compile(source, NODE_KINDS);
    const hasErrors = problems.some(({ severity }) => severity === 'error');
    expect(plan === undefined).toBe(hasErrors);
    expect(digest === undefined).toBe(hasErrors);
    for (const { line, column, message } of problems) {
      expect(line).toBeGreaterThan(0);
      expect(column).toBeGreaterThan(0);
      expect(message).not.toMatch(/\n|undefined|\[object/);
    }
    expect([typeof async.supported, typeof sync.supported]).toEqual(['boolean', 'boolean']);
  };

  test('is a plan or has a problem, as YAML', async () => {
    const flow = fc.record({
      flow: fc.constant(1),
      name: fc.constant('x'),
      nodes: fc.dictionary(words, value),
      more: value,
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(value, flow), (it) => judged(stringify(it) ?? '')),
      { numRuns: 300 },
    );
  });

  test('is a plan or has a problem, as JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), (it) => judged(JSON.stringify(it))),
      { numRuns: 200 },
    );
  });

  test('is a plan or has a problem, as any text', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), judged), { numRuns: 300 });
  });

  test('has one digest, in whatever order it is written', async () => {
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 });
    const nodes = fc.dictionary(fc.constantFrom('n1', 'n2', 'n3'), values, { minKeys: 1 });
    await fc.assert(
      fc.asyncProperty(nodes, fc.infiniteStream(fc.nat()), async (drawn, order) => {
        const flow = { flow: 1, name: 'x', nodes: mapValues(drawn, (it) => ({ type: 'set', with: { values: it } })) };
        const [a, b] = [
          await compile(JSON.stringify(flow), NODE_KINDS),
          await compile(`# shuffled\n${stringify(shuffled(flow, order))}`, NODE_KINDS),
        ];
        expect(a.digest).toBeDefined();
        expect(b.digest).toBe(a.digest);
      }),
      { numRuns: 100 },
    );
  });
});

function mapValues<T, U>(object: Record<string, T>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, it]) => [key, map(it)]));
}

function shuffled(value: unknown, order: Iterator<number>): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => ({
    key,
    item: shuffled(item, order),
    at: order.next().value ?? 0,
  }));
  return Object.fromEntries(entries.sort((a, b) => a.at - b.at).map(({ key, item }) => [key, item]));
}
