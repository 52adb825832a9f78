// Expressions that try to hang the process, fill its memory or get out of the interpreter.

import { describe, expect, test } from 'vitest';
import { type Bindings, evaluate } from '../../lambdas/core/expressions/evaluate.ts';

const BINDINGS: Bindings = { inputs: { long: 'a'.repeat(100_000), list: [1, 2, 3] } };
// Each is stopped after 250 ms at the latest; the rest is room for a busy machine.
const STOPPED_WITHIN_MS = 1_500;

const doubled = (step: string, times = 60) => `$reduce([1..${times}], function($a, $b) { ${step} }, "0123456789")`;

async function attempt(source: string): Promise<{ ms: number; outcome: unknown }> {
  const began = performance.now();
  const outcome = await evaluate(source, BINDINGS).catch((error: unknown) => error);
  return { ms: performance.now() - began, outcome };
}

describe('stopped within its time', () => {
  test.each([
    ['an endless tail call', '($f := function($n) { $f($n + 1) }; $f(0))'],
    ['endless recursion', '($f := function($n) { 1 + $f($n + 1) }; $f(0))'],
    ['branching recursion', '($f := function($n) { $f($n + 1) + $f($n + 1) }; $f(0))'],
    ['recursion through groups', '($f := function($n) { [1..10000]{$string($): $f($)} }; $f(0))'],
    ['a function of itself', '($a := function($f) { [$f($f)] }; $a($a))'],
    ['a huge range', '[1..10000000]'],
    ['nested maps', '$map([1..10000], function($i) { $map([1..10000], function($j) { $i * $j }) })'],
    ['many ranges', '$map([1..10000], function($i) { [1..10000] })'],
    ['a growing list', '$reduce([1..10000], function($a, $b) { $append($a, $a) }, [1, 2])'],
    ['quadratic spread', '$spread($map([1..10000], function($i) { {"a": $i} }))'],
    ['quadratic distinct', '$distinct([1..10000])'],
    ['a quadratic regex', '$replace($inputs.long, /a*b|a/, "x")'],
    ['a regex with a huge program', '$match("a", /((a{100}){100}){100}/)'],
    ['doubled text', doubled('$a & $a')],
    ['doubled lists', doubled('[[$a], [$a]]')],
    ['doubled objects', doubled('{"a": $a, "b": $a}')],
    ['doubled by zip', doubled('$zip([$a], [$a])')],
    ['doubled lists asked for truth', `$not(${doubled('[[$a], [$a]]')})`],
    ['doubled lists compared', `${doubled('[[$a], [$a]]')} = ${doubled('[[$a], [$a]]')}`],
    ['doubled lists in a message', `-${doubled('[[$a], [$a]]')}`],
    ['a ladder of lists', doubled('[[$a]]', 5_000)],
    ['a text per item', '[1..10000].$inputs.long'],
    ['a long separator', '$join($map([1..10000], $string), $inputs.long)'],
    ['a long replacement', '$replace($inputs.long, "a", $inputs.long)'],
    ['a long replacement for a regex', '$replace($inputs.long, /a/, $inputs.long)'],
    ['a wide date', '$fromMillis(0, "[Y,999999999-999999999]")'],
    ['an ambiguous date', `$toMillis("${'1'.repeat(60)}x", "[Y][M][D][H][m][s][f][Y][M]")`],
    ['a long numeral', '$formatInteger(1000000000000000, "I")'],
    ['deep nesting', `${'['.repeat(1_300)}1${']'.repeat(1_300)}`],
  ])('%s', async (_, source) => {
    const { ms, outcome } = await attempt(source);
    expect(outcome).toMatchObject({ code: 'expression-failed' });
    expect(ms).toBeLessThan(STOPPED_WITHIN_MS);
  });

  test.each([
    ['nested quantifiers', '$match($inputs.long & "!", /(a+)+$/)'],
    ['overlapping alternatives', '$match($inputs.long, /(a|a)*c/)'],
    ['a sort that never agrees', '$sort([1..10000], function($a, $b) { true })'],
    ['a chain of minus signs', `${'-'.repeat(2_000)}1`],
  ])('%s, which end by themselves', async (_, source) => {
    expect((await attempt(source)).ms).toBeLessThan(STOPPED_WITHIN_MS);
  });
});

describe('kept inside', () => {
  test.each([
    '$inputs.constructor',
    '$inputs.__proto__',
    '$inputs.list.constructor.constructor("return process")()',
    '$lookup($inputs, "constructor")',
    '$inputs.long.length',
    '$string.constructor',
  ])('%s leads nowhere', async (source) => {
    expect(await evaluate(source, BINDINGS)).toBeNull();
  });

  test.each([
    '$lookup($lookup($inputs, "constructor"), "constructor")("return process")()',
    '$map("a", $string.constructor)',
    '$__proto__',
    '$constructor("return process")()',
  ])('%s is refused', async (source) => {
    const { outcome } = await attempt(`[${source}]`);
    expect(JSON.stringify(outcome) === '[]' || (outcome as { code?: string }).code === 'expression-failed').toBe(true);
  });

  test.each(['{"__proto__": {"polluted": 1}}', '$merge([{"__proto__": {"polluted": 1}}])'])(
    '%s pollutes nothing',
    async (source) => {
      const value = (await evaluate(source, BINDINGS)) as Record<string, unknown>;
      expect(value).toEqual({});
      expect(value['polluted']).toBeUndefined();
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  test('the value that it was given stays as it was', async () => {
    const inputs = Object.freeze({ list: Object.freeze([3, 1, 2]) }) as unknown as Bindings['inputs'];
    await evaluate('($sort($inputs.list); $reverse($inputs.list); $append($inputs.list, 4))', {
      inputs: inputs ?? null,
    });
    expect(inputs).toEqual({ list: [3, 1, 2] });
  });
});
