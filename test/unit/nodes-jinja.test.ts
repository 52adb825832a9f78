// Templates in Jinja: rendered by the real library in its sandbox, and checked tag by tag before.

import { describe, expect, test } from 'vitest';
import { compile } from '../../lambdas/core/flow/compile.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import { makeJinja } from '../../lambdas/jinja/render.ts';
import { nodeContext } from '../support/node-context.ts';

const { template: TEMPLATE } = NODE_KINDS;
const jinja = makeJinja();

function render(text: string, extra: { vars?: JsonObject; bindings?: JsonObject } = {}) {
  const { vars, bindings = {} } = extra;
  const context = nodeContext({ bindings });
  context.ports.jinja = jinja;
  return TEMPLATE.run(context, { text, engine: 'jinja', vars } as never);
}
const problems = async (text: string) => (await TEMPLATE.check?.({ text, engine: 'jinja' } as never)) ?? [];

describe('a template in Jinja', () => {
  const bindings = { inputs: { name: 'Ada' }, nodes: { list: [{ n: 1 }, { n: 2 }], secret: 'x' } };

  test('renders with loops, conditions, filters and macros over everything the node mentions', async () => {
    const text =
      '{% macro bold(x) %}*{{ x }}*{% endmacro %}Hi {{ inputs.name | upper }}:{% for it in nodes.list if it.n > 1 %} {{ bold(it.n) }}{% else %} none{% endfor %}{{ missing.or(1) if missing else "" }}';
    expect(await render(text, { bindings })).toEqual({ kind: 'done', result: { text: 'Hi ADA: *2*' } });
  });

  test('keeps the blanks around tags as Jinja does, and drops one newline at the end', async () => {
    const text = '{% if true %}\n  a\n{%- endif %}\n';
    expect(await render(text)).toEqual({ kind: 'done', result: { text: '\n  a' } });
  });

  test('sees only `vars` where there are any, and of nodes only what it mentions', async () => {
    const onlyVars = await render('{{ a }}{{ inputs }}', { vars: { a: 1 }, bindings });
    expect(onlyVars).toMatchObject({ result: { text: '1' } });
    const all = await render('{{ nodes | length }}{{ nodes.list | length }}', { bindings });
    expect(all).toMatchObject({ result: { text: '12' } });
  });

  test('never parses data as a template', async () => {
    const vars = { a: '{{ b }}', b: '{% raise %}' };
    expect(await render('{{ a }}{{ b }}', { vars })).toMatchObject({ result: { text: '{{ b }}{% raise %}' } });
  });

  test('implies edges to what it mentions, in maps and after quoted braces too', () => {
    const text = `{{ {"a": nodes.a, "b": {"c": nodes.b}}.a }}{{ "}}" ~ nodes['c'] }}{# nodes.no #} nodes.no`;
    expect(TEMPLATE.mentions?.({ text } as never)).toEqual(['$nodes.a', '$nodes.b', '$nodes.c']);
  });

  test('sees neither the time nor chance, so that a resumed run renders the same', async () => {
    expect(await render('{{ strftime_now("%Y") }}')).toMatchObject({ kind: 'failed' });
    expect(await render('{{ [1, 2] | random }}')).toMatchObject({ kind: 'failed' });
  });
});

describe('a template in Jinja fails, in bounded time and memory, on', () => {
  const double = '{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a | length }}';

  test.each([
    ['a loop of a hundred million', '{% for i in range(100000000) %}x{% endfor %}', 'it takes'],
    ['a list of a hundred million', '{{ range(100000000) | length }}', 'it takes'],
    ['a list that doubles itself', `{% set ns = namespace(a=[1, 2, 3]) %}${double}`, 'it takes'],
    ['a text that doubles itself', `{% set ns = namespace(a="aaaaaaaaaa") %}${double}`, 'string too long'],
    ['deep nesting', `{{ ${'['.repeat(5_000)}${']'.repeat(5_000)} }}`, 'it is nested too deeply'],
    ['a flood of blanks', ' '.repeat(250_000), 'it takes longer than'],
    ['a text of more than a megabyte', `{{ "${'x'.repeat(2_000)}" }}{{ a }}`, 'its text is longer than'],
    ['a filter that does not exist', '{{ a | nosuch }}', 'nosuch'],
    ['what its author raises', '{{ raise_exception("no stock") }}', 'no stock'],
    [
      'the constructor of functions',
      '{{ a.constructor.constructor("return process")() }}',
      'Cannot call something that is not a function',
    ],
    ['an include', '{% include "/etc/passwd" %}', 'include'],
  ])('%s, and the next one renders', async (_, text, reason) => {
    const vars = { a: 'x'.repeat(1_048_000) };
    const message = expect.stringContaining(reason);
    expect(await render(text, { vars })).toMatchObject({
      kind: 'failed',
      code: 'node-failed',
      retryable: false,
      message,
    });
    expect(await render('{{ a }}', { vars: { a: 1 } })).toMatchObject({ result: { text: '1' } });
  });

  test('more data than it may see', async () => {
    const message = expect.stringContaining('it sees more than 4194304 characters of data');
    expect(await render('{{ a }}', { vars: { a: 'x'.repeat(4_200_000) } })).toMatchObject({ kind: 'failed', message });
  });

  test('nothing of the process behind it: there is nothing', async () => {
    const paths = ['process', 'globalThis', 'library', 'a.__proto__', 'a["constructor"]', '"".__class__', 'self'];
    for (const path of paths) {
      expect(await render(`[{{ ${path} }}]`, { vars: { a: {} } }), path).toMatchObject({ result: { text: '[]' } });
    }
  });
});

describe('a template in Jinja is checked when it is published:', () => {
  test.each([
    ['{{ a', "'{{' is not closed", 1, 1],
    ['x\n  {{ a b }}', "'{{ a b }}' does not parse", 2, 3],
    ['{% if a %}\n\n{% for x in %}{% endfor %}{% endif %}', "'{% for x in %}' does not parse", 3, 1],
    ['a {% if b %}\n{% else %}', "'{% if %}' has no '{% endif %}'", 1, 3],
    ['{% if a %}{% endfor %}', "'{% endfor %}' does not end an open block", 1, 11],
    ['{% for a in b %}{% elif c %}{% endfor %}', "'{% elif %}' is allowed only in if", 1, 17],
    ['{% include "x" %}', 'Unknown statement type: include', 1, 1],
    [`{{ ${'a'.repeat(5_000)} }}`, 'a tag has at most 4096 characters', 1, 1],
  ])('%j', async (text, message, line, column) => {
    expect(await problems(text)).toEqual([
      { path: ['text'], message: expect.stringContaining(message), at: { line, column } },
    ]);
  });

  test.each([
    '{%- if x -%} a {%- elif y == "%}" -%}{%- else -%} b {%- endif -%}',
    '{% for a in b %}{% if a %}{% break %}{% endif %}{% continue %}{% else %}{% endfor %}',
    `{% set x = {"a": {"b": 1}} %}{% set y %}{{ x.a }}{% endset %}{# it's {{ #}{{ "}}" }}`,
    '{% macro f(a, b=1) %}{{ a }}{% endmacro %}{% call f() %}x{% endcall %}{% filter upper %}x{% endfilter %}',
  ])('nothing is wrong with %j', async (text) => {
    expect(await problems(text)).toEqual([]);
  });

  test.each([
    ['blanks', ' '.repeat(256_000)],
    ['open tags', '{{'.repeat(128_000)],
    ['blanks in tags', `{{${' '.repeat(4_000)}a }}`.repeat(64)],
    ['open blocks', '{% if a %}'.repeat(20_000)],
    ['brackets', `{{${'['.repeat(1_900)}${']'.repeat(1_900)}}}`.repeat(60)],
  ])('a flood of %s in bounded time', async (_, text) => {
    const startedAt = performance.now();
    expect((await problems(text)).length).toBeLessThan(11);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('with the line and column of the flow', async () => {
    const source = [
      'flow: 1',
      'name: x',
      'nodes:',
      '  a:',
      '    type: template',
      '    with:',
      '      engine: jinja',
      '      text: |',
      '        Hello',
      '        {{ b c }}',
    ].join('\n');
    const { problems: found } = await compile(source, NODE_KINDS);
    expect(found).toMatchObject([{ line: 10, column: 9, message: expect.stringContaining('does not parse') }]);
  });
});
