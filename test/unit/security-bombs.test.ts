// Templates in Liquid that grow or never end. (Expressions, YAML, XML, Jinja and packed answers have tests of their own.)

import { describe, expect, test } from 'vitest';
import { findLiquidProblems, renderLiquid } from '../../lambdas/core/nodes/template/liquid.ts';

// Each is stopped after 250 ms at the latest; the rest is room for a busy machine.
const STOPPED_WITHIN_MS = 3_000;

const VARS = { long: 'x'.repeat(100_000), list: Array.from({ length: 10_000 }, (_, n) => n), text: 'a' };
const doubling = (step: string) => `{% assign a = "0123456789" %}{% for i in (1..60) %}${step}{% endfor %}{{ a }}`;
const loops = (depth: number): string =>
  depth === 0 ? 'x' : `{% for i in (1..1000) %}${loops(depth - 1)}{% endfor %}`;

describe('stopped within its time', () => {
  test.each([
    ['a loop of a hundred million', '{% for i in (1..100000000) %}x{% endfor %}'],
    ['loops in loops', loops(5)],
    ['loops that say nothing', '{% for i in (1..30000) %}{% for j in (1..30000) %}{% endfor %}{% endfor %}'],
    ['a table row without end', '{% tablerow i in (1..100000000) cols:2 %}x{% endtablerow %}'],
    ['doubled text', doubling('{% assign a = a | append: a %}')],
    ['captured text', doubling('{% capture a %}{{ a }}{{ a }}{% endcapture %}')],
    [
      'a doubled list',
      `{% assign l = list %}{% for i in (1..60) %}{% assign l = l | concat: l %}{% endfor %}{{ l | size }}`,
    ],
    ['a long separator', '{{ list | join: long }}'],
    ['a long replacement', '{{ long | replace: "x", long }}'],
    [
      'a text split to letters, again and again',
      '{% for i in (1..100000) %}{{ long | split: "" | join: "," | size }}{% endfor %}',
    ],
    ['a sort again and again', '{% for i in (1..100000) %}{{ list | reverse | sort | uniq | size }}{% endfor %}'],
    ['an increment', '{% for i in (1..100000000) %}{% increment n %}{% endfor %}'],
    ['a cycle', '{% for i in (1..100000000) %}{% cycle "a", "b" %}{% endfor %}'],
  ])('%s', async (_, text) => {
    const began = performance.now();
    const outcome = await renderLiquid(text, VARS);
    expect(outcome).toMatchObject({ kind: 'failed', code: 'node-failed' });
    expect(JSON.stringify(outcome).length).toBeLessThan(5_000);
    expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
  });

  test.each([
    ['tags in tags', '{% if a %}'.repeat(5_000)],
    ['brackets', `{{ ${'a['.repeat(20_000)} }}`],
    ['filters', `{{ a ${'| upcase '.repeat(20_000)} }}`],
    ['quotes', `{{ ${'"'.repeat(60_000)} }}`],
  ])('%s, before it runs', async (_, text) => {
    const began = performance.now();
    findLiquidProblems(text);
    expect((await renderLiquid(text, VARS)).kind).toMatch(/failed|done/);
    expect(performance.now() - began).toBeLessThan(STOPPED_WITHIN_MS);
  });
});

describe('kept inside', () => {
  test.each([
    '{{ text.constructor }}',
    '{{ list.__proto__ }}',
    '{{ __proto__ }}{{ constructor }}{{ toString }}',
    '{{ "a".constructor.constructor }}',
    '{{ list | map: "constructor" | join }}',
  ])('%s leads nowhere', async (text) => {
    const outcome = await renderLiquid(text, VARS);
    expect(JSON.stringify(outcome)).not.toMatch(/function|Function|native code|\[object/);
  });

  test.each(['{% include "/etc/passwd" %}', '{% render "../../package.json" %}', '{% layout "/etc/passwd" %}'])(
    '%s reads no file',
    async (text) => {
      const outcome = await renderLiquid(text, VARS);
      expect(outcome.kind).toBe('failed');
      expect(JSON.stringify(outcome)).not.toMatch(/root:|"errand"/);
    },
  );
});
