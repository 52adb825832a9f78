import { describe, expect, test } from 'vitest';
import { partition } from '../../local/batch-answer.ts';

const IDS = ['a', 'b', 'c'];
const answered = (answer: unknown) =>
  partition(IDS, { status: 'succeeded', payload: JSON.stringify(answer) ?? '' }, true);
const failing = (...ids: unknown[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

describe('of a batch', () => {
  test.each([
    ['no failures', { batchItemFailures: [] }],
    ['a null list of failures', { batchItemFailures: null }],
    ['an empty answer', {}],
    ['a null answer', null],
    ['no answer', undefined],
  ])('all messages are done when the function reports %s', (_what, answer) => {
    expect(answered(answer)).toEqual(IDS);
  });

  test('only the messages that the function names come again', () => {
    expect(answered(failing('b'))).toEqual(['a', 'c']);
    expect(answered(failing('a', 'b', 'c'))).toEqual([]);
  });

  test.each([
    ['an empty id', failing('a', '')],
    ['a null id', failing(null)],
    ['an id that is not of the batch', failing('a', 'z')],
    ['a failure without an id', { batchItemFailures: [{ messageId: 'a' }] }],
    ['a failure that is null', { batchItemFailures: [null] }],
    ['failures that are no list', { batchItemFailures: 'a' }],
    ['text', 'a'],
  ])('all messages come again when the function reports %s', (_what, answer) => {
    expect(answered(answer)).toEqual([]);
  });

  test('all messages come again when the function fails, is throttled or does not exist', () => {
    expect(partition(IDS, { status: 'failed', payload: '{}' }, true)).toEqual([]);
    expect(partition(IDS, { status: 'throttled', payload: '{}' }, false)).toEqual([]);
    expect(partition(IDS, undefined, true)).toEqual([]);
  });

  test('a mapping without partial answers ignores what the function returns', () => {
    const outcome = { status: 'succeeded' as const, payload: JSON.stringify(failing('a')) };
    expect(partition(IDS, outcome, false)).toEqual(IDS);
  });
});
