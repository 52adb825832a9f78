// The small node kinds: set, first, fail, switch, group, wait and template, as authors write them and as they run.

import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { EXPRESSION_TIMEOUT_MS } from '../../lambdas/core/limits.ts';
import { findNodeKind, NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { NodeKind, Outcome } from '../../lambdas/core/nodes/node-kind.ts';
import { NOW, nodeContext } from '../support/node-context.ts';

const { set: SET, first: FIRST, fail: FAIL, switch: SWITCH, group: GROUP, wait: WAIT, template: TEMPLATE } = NODE_KINDS;
type Context = Parameters<typeof nodeContext>[0];
const run = (kind: NodeKind<never>, input: JsonObject, extra: Context = {}): Promise<Outcome> =>
  kind.run(nodeContext(extra), input as never);
const accepts = (kind: { with: NodeKind['with'] }, written: unknown): boolean => kind.with.safeParse(written).success;

describe('the table', () => {
  test('names every kind by its own type', () => {
    for (const [type, kind] of Object.entries(NODE_KINDS)) expect(kind.type).toBe(type);
  });

  test('has no kind for the names of object methods', () => {
    expect(findNodeKind('http')).toBe(NODE_KINDS.http);
    for (const type of ['constructor', '__proto__', 'toString', 'htpp']) expect(findNodeKind(type)).toBeUndefined();
  });
});

describe('set', () => {
  test('gives its values as they are', async () => {
    expect(await run(SET, { values: { a: [1], b: null } })).toEqual({ kind: 'done', result: { a: [1], b: null } });
  });

  test('fails where an expression gave no object', async () => {
    expect(await run(SET, { values: 'x' })).toMatchObject({ kind: 'failed', details: [{ field: 'with.values' }] });
  });
});

describe('first', () => {
  test.each([
    [[null, 0, 1], 0],
    [[null, false], false],
    [[null, ['a']], ['a']],
    [[null, null], null],
    ['only', 'only'],
    [null, null],
  ])('of %j is %j', async (values, result) => {
    expect(await run(FIRST, { values })).toEqual({ kind: 'done', result });
  });

  test('runs after any result of the branches it joins', () => {
    expect(FIRST.join).toBe('settled');
  });
});

describe('fail', () => {
  test('fails with the code and message of its author and is never retried', async () => {
    const expected = { kind: 'failed', code: 'REJECTED', message: 'No', retryable: false };
    expect(await run(FAIL, { code: 'REJECTED', message: 'No' })).toEqual(expected);
    expect(await run(FAIL, { message: 'No' })).toMatchObject({ code: 'node-failed' });
    expect(accepts(FAIL, { message: 'No', code: 'not a code' })).toBe(false);
  });
});

describe('switch', () => {
  const cases = (...values: unknown[]) => values.map((when, index) => ({ id: `c${index}`, when }));

  test.each([
    [true, 'c0'],
    [1, 'c0'],
    ['no', 'c0'],
    [[false, 0, 'x'], 'c0'],
    [{ a: null }, 'c0'],
    [false, 'else'],
    [0, 'else'],
    ['', 'else'],
    [null, 'else'],
    [[], 'else'],
    [[false, 0], 'else'],
    [{}, 'else'],
  ])('a case of %j takes branch %s', async (when, port) => {
    expect(await run(SWITCH, { cases: cases(when) as never })).toEqual({ kind: 'done', result: { case: port }, port });
  });

  test('takes the first case that is true, and its own default', async () => {
    expect(await run(SWITCH, { cases: cases(false, true, true) as never })).toMatchObject({ port: 'c1' });
    expect(await run(SWITCH, { cases: cases(false) as never, default: 'none' })).toMatchObject({ port: 'none' });
    expect(SWITCH.ports?.({ cases: cases(1, 2), default: 'none' } as never)).toEqual(['c0', 'c1', 'none']);
  });

  test.each([
    [
      'two cases of one id',
      {
        cases: [
          { id: 'a', when: 'true' },
          { id: 'a', when: 'true' },
        ],
      },
    ],
    ['a case named like the default', { cases: [{ id: 'else', when: 'true' }] }],
    ['a branch that every node has', { cases: [{ id: 'error', when: 'true' }] }],
    ['no cases', { cases: [] }],
  ])('refuses %s', (_, written) => {
    expect(accepts(SWITCH, written)).toBe(false);
  });
});

describe('group', () => {
  test('ends with its output', async () => {
    expect(await run(GROUP, { output: [1] })).toEqual({ kind: 'done', result: [1] });
    expect(await run(GROUP, {})).toEqual({ kind: 'done', result: null });
  });

  test('needs nodes with valid ids', () => {
    expect(accepts(GROUP, { nodes: { a: { type: 'set' } }, output: '${{ $nodes.a }}' })).toBe(true);
    expect(accepts(GROUP, { nodes: {} })).toBe(false);
    expect(accepts(GROUP, { nodes: { 'a-b': {} } })).toBe(false);
  });
});

describe('wait', () => {
  test.each([
    [{ for: 1_500 }, NOW + 1_500],
    [{ for: '1h30m' }, NOW + 5_400_000],
    [{ until: '2026-01-31T10:00:00+01:00' }, NOW + 3_600_000],
  ])('of %j wakes in time', async (input, until) => {
    expect(await run(WAIT, input)).toEqual({ kind: 'wait', wait: { kind: 'timer', until } });
  });

  test.each<JsonObject>([
    { for: 0 },
    { for: '0s' },
    { until: '2026-01-31T08:00:00Z' },
    { until: '2001-01-01T00:00:00Z' },
  ])('of %j ends at once', async (input) => {
    expect(await run(WAIT, input)).toEqual({ kind: 'done', result: null });
  });

  test.each<JsonObject>([{ for: 'soon' }, { for: null }, { until: 'tomorrow' }, {}, { for: -5 }])(
    'of %j fails',
    async (input) => {
      expect(await run(WAIT, input)).toMatchObject({ kind: 'failed', retryable: false });
    },
  );

  test('blocks a synchronous flow only where it surely is long', () => {
    const blocker = (source: unknown) => WAIT.blocks?.(source as never).sync;
    expect(blocker({ for: 30_000 })).toBeUndefined();
    expect(blocker({ for: '31s' })).toBe('waits longer than 30 seconds');
    expect(blocker({ until: '2026-01-31T08:00:00Z' })).toBe('waits longer than 30 seconds');
    expect(blocker({ for: '${{ $inputs.n }}s' })).toBeUndefined();
  });

  test.each([{}, { for: '1s', until: '2026-01-31T08:00:00Z' }, { for: '25h' }, { for: 5 }, { until: 'noon' }])(
    'cannot be written as %j',
    (written) => {
      expect(accepts(WAIT, written)).toBe(false);
    },
  );
});

describe('template', () => {
  const bindings = { inputs: { name: 'Ada' }, nodes: { list: [{ n: 1 }, { n: 2 }] } };
  const render = (text: string, extra: JsonObject = {}) => run(TEMPLATE, { text, ...extra }, { bindings });

  test('renders with loops, conditions and filters over everything the node may see', async () => {
    const text =
      'Hi {{ inputs.name | upcase }}:{% for item in nodes.list %} {{ item.n }}{% endfor %}{% if missing %}!{% endif %}';
    expect(await render(text)).toEqual({ kind: 'done', result: { text: 'Hi ADA: 1 2' } });
  });

  test('sees only `vars` where there are any', async () => {
    expect(await render('{{ a }}{{ inputs.name }}', { vars: { a: 1 } })).toEqual({
      kind: 'done',
      result: { text: '1' },
    });
  });

  test('never parses data as a template', async () => {
    expect(await render('{{ a }}', { vars: { a: '{{ inputs.name }}' } })).toMatchObject({
      result: { text: '{{ inputs.name }}' },
    });
  });

  test('implies edges to what it mentions inside its tags, and to nothing else', () => {
    const text =
      'nodes.no {{ nodes.a.b }} {% for item in nodes["c"] %}{{ item.x | append: inputs.d }}{{ x.nodes.no }}{% endfor %}{{ nodes.a }}';
    expect(TEMPLATE.mentions?.({ text } as never)).toEqual(['$nodes.a', '$nodes.c', '$inputs.d']);
    expect(TEMPLATE.mentions?.({ text, vars: {} } as never)).toEqual([]);
  });

  test.each([
    ['an endless loop', '{% for i in (1..100000000) %}{{ i }}{% endfor %}'],
    [
      'loops in loops',
      '{% for i in (1..3000) %}{% for j in (1..3000) %}{% for k in (1..3000) %}a{% endfor %}{% endfor %}{% endfor %}',
    ],
    [
      'a text that doubles itself',
      `{% assign a = "aaaaaaaaaa" %}${'{% assign a = a | append: a %}'.repeat(40)}{{ a }}`,
    ],
    ['a file', '{% include "/etc/passwd" %}'],
    ['a file by another tag', '{% render "../../package.json" %}'],
    ['a layout', '{% layout "x" %}'],
    ['a tag that is not closed', '{% if a %}'],
    ['a filter that does not exist', '{{ a | nosuch }}'],
  ])('fails on %s, in bounded time', async (_, text) => {
    const startedAt = performance.now();
    expect(await render(text)).toMatchObject({ kind: 'failed', code: 'node-failed', retryable: false });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test.each([
    ['{{ a', 'output "{{ a" not closed', 1, 1],
    ['x\n  {% if a %}', 'tag {% if a %} not closed', 2, 3],
    ['{{ a | nosuch }}', 'undefined filter: nosuch', 1, 1],
    ['{% nosuch %}', 'tag "nosuch" not found', 1, 1],
  ])('that does not parse is reported when the flow is published: %j', async (text, message, line, column) => {
    const expected = [{ path: ['text'], message: `the template does not parse: ${message}`, at: { line, column } }];
    expect(await TEMPLATE.check?.({ text } as never)).toEqual(expected);
    expect(await TEMPLATE.check?.({ text: 'Hi {{ inputs.name | upcase }}' } as never)).toEqual([]);
  });

  test('does not fail because its process had to wait', async () => {
    let isHeldUp = true;
    const vars = {
      get who() {
        for (const began = Date.now(); isHeldUp && Date.now() - began < EXPRESSION_TIMEOUT_MS + 50; );
        isHeldUp = false;
        return 'Ada';
      },
    };
    expect(await render('{{ who }}{% assign a = 1 %}!', { vars })).toEqual({ kind: 'done', result: { text: 'Ada!' } });
    expect(isHeldUp).toBe(false);
  });

  test('shows nothing of the process behind it', async () => {
    for (const path of ['constructor', '__proto__', 'inputs.constructor.constructor', 'inputs.name.constructor']) {
      expect(await render(`[{{ ${path} }}]`)).toEqual({ kind: 'done', result: { text: '[]' } });
    }
  });

  test('refuses dollar expressions with what to do instead', () => {
    const message = (written: unknown) => TEMPLATE.with.safeParse(written).error?.issues[0]?.message;
    expect(message({ text: '${{ $inputs.a }}' })).toContain('without the dollar sign');
    expect(message({ text: 'a', engine: 'mustache' })).toBeDefined();
    expect(message({ text: 'a', engine: 'liquid', vars: '${{ $inputs }}' })).toBeUndefined();
  });
});
