// What a run records is what its author wrote: lists, failed items, and results that are too large.

import { describe, expect, test } from 'vitest';
import { isLargerThan } from '../../lambdas/core/expressions/measure.ts';
import { MAX_PAYLOAD_BYTES } from '../../lambdas/core/limits.ts';
import { ran, set } from '../support/small-flows.ts';

describe('a filter without a hit', () => {
  test.each(['[status = "open"]', '[status = "open"][]'])('%s takes the branch for none', async (filter) => {
    const nodes = {
      open: set(`\${{ $nodes.all.v${filter} }}`),
      all: set([{ status: 'closed' }]),
      any: { type: 'switch', with: { cases: [{ id: 'some', when: '$count($nodes.open.v) > 0' }], default: 'none' } },
    };
    const values = { taken: '${{ $nodes.any.case }}', open: '${{ $nodes.open.v }}' };
    const open = filter.endsWith('[]') ? [] : null;
    expect((await ran(nodes, values)).outputs).toEqual({ taken: 'none', open });
  });
});

describe('a result that is too large', () => {
  const invoke = async () => ({ kind: 'answer' as const, payload: 'x'.repeat(6_000_000) });
  const big = { type: 'lambda', each: '[1, 2]', with: { function: 'work', payload: {} } };

  test('of an `each` fails it with a code of its own', async () => {
    const { run } = await ran({ big }, {}, { overrides: { functions: { invoke } } });
    expect(run.error).toMatchObject({ code: 'payload-too-large', node: 'big' });
    expect(run.error?.message).toMatch(/larger than 10 MB/);
  });

  test('of the run does, too', async () => {
    const one = { ...big, each: undefined };
    const outputs = { a: '${{ $nodes.big }}', b: '${{ $nodes.big }}' };
    const { run } = await ran({ big: one }, outputs, { overrides: { functions: { invoke } } });
    expect(run.error).toMatchObject({ code: 'payload-too-large' });
  });

  test('is found without writing it: no text of JavaScript could hold this one', () => {
    const shared = 'x'.repeat(9_000_000);
    const list = Array.from({ length: 100 }, () => ({ shared }));
    const began = performance.now();
    expect(isLargerThan(list, MAX_PAYLOAD_BYTES)).toBe(true);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test.each([
    [['a', 1, null, { b: [true] }], JSON.stringify(['a', 1, null, { b: [true] }]).length],
    ['ä"', Buffer.byteLength(JSON.stringify('ä"'))],
  ])('%j takes exactly %d bytes', (value, bytes) => {
    expect([isLargerThan(value, bytes), isLargerThan(value, bytes - 1)]).toEqual([false, true]);
  });
});

describe('an item of an `each` that fails', () => {
  const failing = (output: unknown, more: object = {}) => ({
    type: 'set',
    each: { in: '[1, 2, 3]', concurrency: 2, onItemError: { output } },
    with: { values: { n: "${{ $item = 2 ? $number('two') : $item }}" } },
    ...more,
  });

  test('gives its default, which sees the item and the error', async () => {
    const output = { n: '${{ -$item }}', at: '${{ $index }}', why: '${{ $error.code }}' };
    const { run, outputs } = await ran({ it: failing(output) }, { v: '${{ $nodes.it }}', s: '${{ $status.it }}' });
    expect(run.status).toBe('succeeded');
    const expected = { v: [{ n: 1 }, { n: -2, at: 1, why: 'expression-failed' }, { n: 3 }], s: 'succeeded' };
    expect(outputs).toEqual(expected);
    expect(run.handledErrors).toBe(1);
  });

  test('fails the node where its default fails, too, and then `onError` counts', async () => {
    const { run } = await ran({ it: failing("${{ $number('x') }}") });
    expect(run.error).toMatchObject({ code: 'expression-failed', node: 'it' });
    expect(run.error?.message).toMatch(/^it\[00001\]: .*; and its default failed/);
    const handled = failing("${{ $number('x') }}", { onError: { output: 'none' } });
    expect((await ran({ it: handled }, { v: '${{ $nodes.it }}' })).outputs).toEqual({ v: 'none' });
  });

  test('of a group does, too', async () => {
    const nodes = { inner: { type: 'fail', with: { message: 'no' } } };
    const group = { type: 'group', each: { in: '[7]', onItemError: { output: '${{ $item }}' } }, with: { nodes } };
    expect((await ran({ group }, { v: '${{ $nodes.group }}' })).outputs).toEqual({ v: [7] });
  });
});
