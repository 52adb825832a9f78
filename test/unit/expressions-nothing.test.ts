// What expressions give for null, for what is missing, for one item and for an empty list.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Bindings, evaluate } from '../../lambdas/core/expressions/evaluate.ts';
import { FUNCTIONS } from '../../lambdas/core/expressions/names.ts';
import type { Json } from '../../lambdas/core/json.ts';

const BINDINGS: Bindings = {
  nodes: {
    list: [{ n: 1, ok: true }, { n: 2 }],
    one: [{ n: 1 }],
    none: [],
    skipped: null,
    nulls: [1, null],
    lone: [null],
  },
  item: 'text',
  env: { null: null, empty: [], one: [7] },
};

describe('`[]` keeps a list when it is recorded', () => {
  test.each<[string, Json]>([
    ['$nodes.list[n > 5][]', []],
    ['$nodes.list[n > 1][]', [{ n: 2 }]],
    ['$nodes.list[n > 0].n[]', [1, 2]],
    ['$nodes.list[n > 5].n[]', []],
    ['$nodes.none[]', []],
    ['$nodes.one[]', [{ n: 1 }]],
    ['$nodes.skipped[]', []],
    ['$nodes.absent.deeper[]', []],
    ['$nodes.lone[]', [null]],
    ['$nodes.nulls[$ = null][]', [null]],
    ['$item[]', ['text']],
    ['$inputs[]', []],
    ['$filter($nodes.list, function($it) { $it.n > 5 })[]', []],
    ['$filter($nodes.list, function($it) { $it.n > 1 })[]', [{ n: 2 }]],
    ['($limit := 5; $nodes.list[n > $limit][])', []],
    ['true ? $nodes.list[n > 5][] : $nodes.one', []],
    ['{"open": $nodes.list[n > 5][], "all": $nodes.list.n[]}', { open: [], all: [1, 2] }],
    ['$nodes.one.{"open": n[$ > 5][]}', { open: [] }],
    ['$nodes.list[]{$string(n): ok}', { 1: true }],
    ['[$nodes.list[n > 5]]', []],
    ['[$nodes.list[n > 1]]', [{ n: 2 }]],
    // Without it, one item is bare and none is nothing.
    ['$nodes.list[n > 5]', null],
    ['$nodes.list[n > 1]', { n: 2 }],
  ])('%s gives %j', async (source, expected) => {
    expect(await evaluate(source, BINDINGS)).toEqual(expected);
  });

  test.each<[string, Json]>([
    ['$count($nodes.list[n > 5][])', 0],
    ['$count($nodes.skipped[])', 0],
    ['$exists($nodes.list[n > 5][])', false],
    ['$exists($nodes.skipped[])', false],
    // Nulls that were asked for are counted.
    ['$count($nodes.nulls[$ = null][])', 1],
    ['$count($nodes.nulls)', 2],
    ['$count($nodes.lone)', 1],
  ])('and %s gives %j', async (source, expected) => {
    expect(await evaluate(source, BINDINGS)).toEqual(expected);
  });
});

describe('a function gives what the table in docs/flow-format.md says', () => {
  const docs = readFileSync('docs/flow-format.md', 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('| `$') && line.split(' | ').length === 5);
  const calls = rows.flatMap((row) => {
    const [functions = '', ...cells] = row.replace(/^\| | \|$/g, '').split(' | ');
    return [...functions.matchAll(/`([^`]+)`/g)].map(([, call = '']) => ({ call, cells }));
  });

  test('which has every function', () => {
    const named = calls.map(({ call }) => call.slice(1, call.indexOf('(')));
    expect(new Set(named)).toEqual(FUNCTIONS);
  });

  const values = ['$env.`null`', '$env.absent', '$env.empty', '$env.one'];
  test.each(calls)('$call', async ({ call, cells }) => {
    const filled = values.map((value) => call.replace(/\(x\b/, `(${value}`));
    const found = await Promise.all(filled.map((it) => evaluate(it, BINDINGS).then(JSON.stringify, () => 'fails')));
    expect(found).toEqual(cells);
    // In a chain the value arrives on another way.
    const chained = values.map((value) => call.replace(/^(\$\w+)\(x(?:, )?/, `${value} ~> $1(`));
    const foundInChain = await Promise.all(
      chained.map((it) => evaluate(it, BINDINGS).then(JSON.stringify, () => 'fails')),
    );
    expect(foundInChain).toEqual(cells);
  });

  test('a filter without a hit is nothing, with one hit it is the bare item', async () => {
    expect(await evaluate('$count($nodes.list[n > 5])', BINDINGS)).toBe(0);
    expect(await evaluate('$exists($nodes.list[n > 5])', BINDINGS)).toBe(false);
    expect(await evaluate('$count($nodes.list[n > 1])', BINDINGS)).toBe(1);
    expect(await evaluate('$map($nodes.list[n > 1], function($it) { $it.n })', BINDINGS)).toBe(2);
    expect(await evaluate('$sum([$nodes.list[n > 5].n])', BINDINGS)).toBe(0);
  });

  test('nulls of a function that is passed on are nothing, too', async () => {
    expect(await evaluate('$map([null, 1], $exists)', BINDINGS)).toEqual([false, true]);
    expect(await evaluate('$reduce([[1], [2]], $append)', BINDINGS)).toEqual([1, 2]);
    expect(await evaluate('$reduce([1, 2], function($a, $b) { $b }, null)', BINDINGS)).toBe(2);
    expect(await evaluate('$append([1], $nodes.skipped)', BINDINGS)).toEqual([1]);
  });
});
