import fc from 'fast-check';
import jsonata from 'jsonata';
import { describe, expect, test } from 'vitest';
import { findReferences } from '../../lambdas/core/expressions/compile.ts';
import { type Bindings, evaluate, evaluateDeep } from '../../lambdas/core/expressions/evaluate.ts';
import type { Json } from '../../lambdas/core/json.ts';
import { EXPRESSION_TIMEOUT_MS } from '../../lambdas/core/limits.ts';

const BINDINGS: Bindings = {
  inputs: { topic: 'News', count: 3, empty: null, 'odd name': 1 },
  nodes: {
    fetch: [
      { title: 'A', alert: true },
      { title: 'B', alert: false },
    ],
    one: [{ title: 'A' }],
    none: [],
    tree: { a: { b: [1] } },
  },
  status: { fetch: 'succeeded' },
  item: { title: 'C' },
  index: 4,
  error: { code: 'node-failed', message: 'no' },
};

describe('an expression', () => {
  test.each<[string, Json]>([
    ['$inputs.topic', 'News'],
    ['$inputs.`odd name`', 1],
    ['$inputs.absent', null],
    ['$inputs.absent.deeper', null],
    ['$inputs.empty', null],
    ['$absent', null],
    ['$nodes.none', []],
    ['$nodes.tree.a', { b: [1] }],
    ['$nodes.fetch.title', ['A', 'B']],
    ['$nodes.fetch[alert].title', 'A'],
    ['$nodes.fetch[alert].title[]', ['A']],
    ['$nodes.fetch.{"t": title}', [{ t: 'A' }, { t: 'B' }]],
    ['$count($nodes.fetch[alert]) > 0', true],
    ['$item.title & $index', 'C4'],
    ['$error.code', 'node-failed'],
    ['$inputs.count > 2 ? "many" : "few"', 'many'],
    ['$map([1..3], function($n) { $n * $n })', [1, 4, 9]],
    ['($double := function($n) { 2 * $n }; $double(21))', 42],
    [
      '$nodes.fetch@$f#$i.{"n": $i, "t": $f.title}',
      [
        { n: 0, t: 'A' },
        { n: 1, t: 'B' },
      ],
    ],
    ['$nodes.fetch^(>title).title', ['B', 'A']],
    ['$replace("a1b22", /[0-9]+/, "#")', 'a#b#'],
    ['$match("x12", /([a-z])([0-9]+)/).groups', ['x', '12']],
    ['$split("a, b;c", /[,;] */)', ['a', 'b', 'c']],
    ['$toMillis("20.11.2026", "[D01].[M01].[Y0001]")', 1_795_132_800_000],
    ['$has($inputs, "topic") and $not($has($inputs, "empty"))', true],
    ['$isEmpty($nodes.none) and $isEmpty("") and $not($isEmpty(0))', true],
    ['$startsWith("errand", "err") and $endsWith("errand", "and")', true],
    ['$coalesce($inputs.empty, $inputs.absent, "fallback")', 'fallback'],
    ['$lookup([1..3000]{$string($): $}, "2999")', 2999],
  ])('%s gives %j', async (source, expected) => {
    expect(await evaluate(source, BINDINGS)).toEqual(expected);
  });

  test('hands on a copy, free of what the interpreter hides in lists', async () => {
    const list = (await evaluate('$nodes.fetch[alert or true]', BINDINGS)) as Json[];
    expect(Object.getOwnPropertyNames(list)).toEqual(['0', '1', 'length']);
    const nodes = BINDINGS.nodes as Record<string, Json[]>;
    expect(await evaluate('$nodes.fetch', BINDINGS)).not.toBe(nodes['fetch']);
    const pair = (await evaluate('[$nodes.tree, $nodes.tree]', BINDINGS)) as Json[];
    expect(pair[0]).not.toBe(pair[1]);
  });

  test.each([
    ['{"f": function() { 1 }}', /gives a function/],
    ['$sum', /gives a function/],
    ['$sum([1e308, 1e308])', /gives Infinity, a number that JSON does not have/],
    ['-$sum([1e308, 1e308])', /Number out of range|gives -Infinity/],
  ])('%s gives what JSON does not have, and fails', async (source, message) => {
    await expect(evaluate(source, BINDINGS)).rejects.toThrow(message);
  });

  test('keeps data that looks like a function of the interpreter, and half of a character', async () => {
    const odd = { _jsonata_lambda: true, _jsonata_function: true, environment: {}, implementation: 'x', cut: '\ud83d' };
    for (const source of ['$inputs.odd', '[$inputs.odd][0]', '$inputs.list[$ != 1]', '{"a": $inputs.odd}.a']) {
      expect(await evaluate(source, { inputs: { odd, list: [1, odd] } })).toEqual(odd);
    }
  });

  test('that fails says which one and why', async () => {
    await expect(evaluate('$inputs.topic + 1', BINDINGS)).rejects.toMatchObject({
      code: 'expression-failed',
      message: expect.stringMatching(/^The expression '\$inputs\.topic \+ 1' failed: .*number/),
    });
    await expect(evaluate('$assert(false, "not today")', BINDINGS)).rejects.toThrow(/failed: not today$/);
  });

  test('that fails over a secret does not show it', async () => {
    const failing = evaluate('$number($secrets.TOKEN)', { secrets: { TOKEN: 'hush' } });
    await expect(failing).rejects.toThrow(/cannot be evaluated/);
    await expect(failing).rejects.not.toThrow(/hush/);
  });

  test('that is quick does not fail because its process was held up', async () => {
    let isHeldUp = true;
    const inputs = {
      get n() {
        for (const began = Date.now(); isHeldUp && Date.now() - began < EXPRESSION_TIMEOUT_MS + 50; );
        isHeldUp = false;
        return 2;
      },
    };
    expect(await evaluate('$inputs.n * 2', { inputs })).toBe(4);
    expect(isHeldUp).toBe(false);
  });

  test('can be given less time', async () => {
    const began = performance.now();
    const source = '$sum($map([1..9999], function($n) { $sum([1..9999]) }))';
    await expect(evaluate(source, {}, { timeoutMs: 20 })).rejects.toThrow(/takes too long/);
    expect(performance.now() - began).toBeLessThan(200);
  });

  test('on the fast path gives what JSONata gives', async () => {
    const names = fc.constantFrom('a', 'b', 'length', '__proto__', 'constructor', 'and', 'in');
    const value = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, 0, 1, 'text', true),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(names, tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value;
    await fc.assert(
      fc.asyncProperty(value, fc.array(names, { maxLength: 3 }), async (inputs, steps) => {
        const source = ['$inputs', ...steps].join('.');
        const oracle = await jsonata(source).evaluate(undefined, { inputs });
        const plain = JSON.parse(JSON.stringify(oracle ?? null, (key, it) => (key === '__proto__' ? undefined : it)));
        expect(await evaluate(source, { inputs })).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a value with expressions', () => {
  test.each<[Json, Json]>([
    ['plain', 'plain'],
    ['${{ $inputs.count }}', 3],
    ['  ${{ $nodes.fetch[0] }}\n', { title: 'A', alert: true }],
    ['n = ${{ $inputs.count }}!', 'n = 3!'],
    ['${{ $inputs.topic }}${{ $inputs.count }}', 'News3'],
    ['empty: ${{ $inputs.empty }}.', 'empty: .'],
    ['tree: ${{ $nodes.tree }}', 'tree: {"a":{"b":[1]}}'],
    ['${{ "}}" & \'${{\' }}', '}}${{'],
    ['${{ {"a": {"b": 1}} }}', { a: { b: 1 } }],
    ['${{ 6 / 2 /* }} */ }}', 3],
    ['${{ $contains("a}}", /\\}\\}/) }}', true],
    [
      { list: ['${{ $inputs.count }}', { deep: '${{ $item.title }}' }], n: 1 },
      { list: [3, { deep: 'C' }], n: 1 },
    ],
    [{ '${{ $inputs.topic }}': 1 }, { '${{ $inputs.topic }}': 1 }],
    ['{{ $inputs.topic }} ${ $inputs.topic }', '{{ $inputs.topic }} ${ $inputs.topic }'],
  ])('%j gives %j', async (value, expected) => {
    expect(await evaluateDeep(value, BINDINGS)).toEqual(expected);
  });

  test('says where an expression has no end', async () => {
    await expect(evaluateDeep('a ${{ $inputs.topic', BINDINGS)).rejects.toMatchObject({ code: 'expression-failed' });
  });

  test('never throws anything but expression-failed', async () => {
    const texts = fc.array(
      fc.constantFrom('${{', '}}', '$inputs', '.', '"', "'", '/', '*', '{', '}', '`', ' ', 'a', '\\'),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (parts) => {
        const failure = await evaluateDeep(parts.join(''), BINDINGS).then(
          () => undefined,
          (error) => error,
        );
        expect([undefined, 'expression-failed']).toContain(failure?.code);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the references of an expression', () => {
  test('may stand beside any number that is held as it is written', async () => {
    await expect(findReferences('$inputs.n < 1e20 and $inputs.n > -9007199254740991.5')).resolves.toBeDefined();
  });

  test('are known before anything runs', async () => {
    const found = await findReferences(
      '$nodes.a.b & $inputs.t & $status.z & $secrets.Q & $count($errors.e) & $env.E & $run.id & $nodes.q[0].two & $nodes.p.x.deeper',
    );
    expect(found).toEqual({
      roots: new Set(['nodes', 'inputs', 'status', 'secrets', 'errors', 'env', 'run']),
      nodes: new Set(['a', 'q', 'p']),
      inputs: new Set(['t']),
      status: new Set(['z']),
      secrets: new Set(['Q']),
      errors: new Set(['e']),
      env: new Set(['E']),
      fields: new Set(['a.b', 'q.two', 'p.x']),
    });
  });

  test.each([
    ['$nodes', /must be followed by a name/],
    ['$nodes.*', /must be followed by a name/],
    ['$nodes[0].a', /must be followed by a name/],
    ['$nodes.(a)', /must be followed by a name/],
    ['$lookup($nodes, "a")', /must be followed by a name/],
    ['($all := $nodes; $all.a)', /must be followed by a name/],
    ['$map($x, function($nodes) { $nodes })', /is reserved/],
    ['inputs.topic', /'inputs' needs its dollar sign: \$inputs/],
    ['$inputs.id = 9007199254740993', /9007199254740993 cannot be held exactly: write it as a text/],
    ['topic', /'topic' has no meaning here/],
    ['$input.topic', /there is no \$input \(did you mean '\$inputs'\?\)/],
    ['$cuont([1])', /did you mean '\$count'/],
    ['$now()', /cannot see the time/],
    ['($clock := $millis)', /cannot see the time/],
    ['$random()', /cannot see chance/],
    ['$eval("1")', /\$eval cannot be used/],
    ['$pad("x", 1000000000)', /\$pad cannot be used/],
    ['($string := 1)', /cannot be set/],
    ['$inputs ~> |$|{"a": 1}|', /transform/],
    ['$match("a", /(?=a)/)', /regex .* cannot be used/],
    ['$match("aa", /(a)\\1/)', /regex .* cannot be used/],
    ['1 +', /end of expression/],
    ['', /empty/],
    [`"${'x'.repeat(5_000)}"`, /at most 4096 characters/],
    [`[${'1,'.repeat(2_000)}1]`, /at most 2000 parts/],
    [`${'('.repeat(4_000)}`, /./],
  ])('%j is refused', async (source, message) => {
    await expect(findReferences(source)).rejects.toThrow(message);
  });
});
