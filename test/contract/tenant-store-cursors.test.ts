import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor, fromItem, toItem } from '../../lambdas/aws/dynamo.ts';
import { ApiError } from '../../lambdas/core/errors.ts';

const readCursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a cursor leads back to the key it was made of', () => {
  const part = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 100 }), fc.maxSafeInteger());
  fc.assert(
    fc.property(part, part, (pk, sk) => {
      const cursor = encodeCursor(toItem({ pk, sk })) ?? '';
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(fromItem(decodeCursor(cursor) ?? {})).toEqual({ pk, sk });
    }),
  );
});

test('there is none behind the last page, and none before the first', () => {
  expect(encodeCursor(undefined)).toBeNull();
  expect(decodeCursor(undefined)).toBeUndefined();
});

test('a cursor of another list or tenant is refused', () => {
  const cursor = readCursor({ pk: 'TEN#other', sk: 'a' });
  expect(() => decodeCursor(cursor, { pk: 'TEN#acme' })).toThrow(ApiError);
  expect(decodeCursor(cursor, { pk: 'TEN#other' })).toEqual(toItem({ pk: 'TEN#other', sk: 'a' }));
});

test.each([
  '',
  'null',
  '%%%',
  '../..',
  readCursor(null),
  readCursor([]),
  readCursor({}),
  readCursor('pk'),
  readCursor({ pk: { S: 'x' } }),
  readCursor({ pk: null }),
  readCursor({ pk: 1.5 }),
  readCursor({ pk: 'x'.repeat(3_000) }),
])('%j is refused by the name of the field', (cursor) => {
  expect(() => decodeCursor(cursor)).toThrow(
    expect.objectContaining({ code: 'invalid-request', details: [expect.objectContaining({ field: 'cursor' })] }),
  );
});
