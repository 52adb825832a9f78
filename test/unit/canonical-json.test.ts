// Texts and digests that must never change: plans are stored under theirs, idempotency keys with theirs.

import { describe, expect, test } from 'vitest';
import { fingerprintRequest } from '../../lambdas/core/api/idempotency.ts';
import type { Submission } from '../../lambdas/core/api/submit.ts';
import { canonicalJson } from '../../lambdas/core/parse/canonical-json.ts';

describe('canonical JSON', () => {
  test.each([
    ['sorts keys at every depth', { b: 1, a: [{ d: 'ü', c: -0.5 }] }, '{"a":[{"c":-0.5,"d":"ü"}],"b":1}'],
    ['sorts whole numbers as texts', { 9: 'nine', 10: 'ten', a: 1 }, '{"10":"ten","9":"nine","a":1}'],
    ['leaves out what JSON does not have', { a: undefined, b: () => 1, c: [undefined] }, '{"c":[null]}'],
    ['writes a number that JSON does not have as null', { a: Number.NaN }, '{"a":null}'],
  ])('%s', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });
});

test.each<[string, Partial<Submission>, string]>([
  [
    'nested inputs',
    { inputs: { b: 1, a: [null, undefined, { y: 'ü', x: -0.5 }] } },
    'ad9934660d0e755c330902c7d2db215d655cf65f02c1c3adee7b039dbdff9d40',
  ],
  [
    'whole numbers as keys',
    { inputs: { 10: 'ten', 9: 'nine', b: true, '-1': 0 }, mode: 'sync' },
    '656bf81dea319372f0a1e8d0caa4c6d6ad89b9ffe32de77019526310afb05062',
  ],
  [
    'offers that compute their value',
    {
      offers: [
        { names: ['q'], value: () => 1 },
        { names: ['r'], value: 2 },
      ],
      dialect: 'dify',
    },
    '30bbe75952c8ac4756dccabb848ae41ddef00ea7c44b8278f5ede2b78c50e99e',
  ],
  [
    'names of built-in properties and half characters',
    { inputs: JSON.parse('{"__proto__": {"z": 1, "a": 2}, "\\ud800": 1}') },
    '574115c5436e8bb96d80191e1f8fd5f83a9f6575e0fe89b1f7337b46e483929d',
  ],
])('the fingerprint of a request stays what it was: %s', (_, extra, fingerprint) => {
  const request = { flow: 'f', inputs: {}, mode: 'async', dialect: 'native', idempotencyKey: 'k', ...extra } as const;
  expect(fingerprintRequest(request)).toBe(fingerprint);
  expect(fingerprintRequest({ ...request, idempotencyKey: 'other' })).toBe(fingerprint);
});
