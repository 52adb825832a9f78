import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ApiError } from '../../lambdas/core/errors.ts';
import { MAX_JSON_DEPTH } from '../../lambdas/core/limits.ts';
import { parseJson } from '../../lambdas/http/json-body.ts';
import { findJsonFault, locate } from '../../lambdas/http/json-fault.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

function refusal(text: string | Uint8Array): ApiError {
  try {
    parseJson(typeof text === 'string' ? bytes(text) : text);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

test('reads JSON', () => {
  expect(parseJson(bytes(' {"a": [1, -2.5e3, "ü\\n\\u00fc", true, null]} '))).toEqual({
    a: [1, -2500, 'ü\nü', true, null],
  });
});

test.each([
  ['{"a": 1,}', 1, 9, 'a name in double quotes'],
  ['{"a" 1}', 1, 6, "':'"],
  ['{a: 1}', 1, 2, "a name in double quotes or '}'"],
  ['[1 2]', 1, 4, "',' or the closing bracket"],
  ['[1,]', 1, 4, 'a value'],
  ['{"a": }', 1, 7, 'a value'],
  ['{\n  "a": 1,\n  "b": oops\n}', 3, 8, 'a value'],
  ['{"a": "one\ntwo"}', 1, 11, 'the rest of a string'],
  ['{"a": "\\x"}', 1, 8, 'the rest of a string'],
  ['{"a": 1', 1, 8, "',' or the closing bracket"],
  ['{} {}', 1, 4, 'nothing more'],
  ['[1}', 1, 3, "',' or the closing bracket"],
  ["{'a': 1}", 1, 2, "a name in double quotes or '}'"],
  ['01', 1, 2, 'nothing more'],
  ['"abc', 1, 5, 'the rest of a string'],
])('says where %j stops being JSON', (text, line, column, expected) => {
  const { code, message, details } = refusal(text);
  expect(code).toBe('invalid-request');
  expect(message).toBe(`The body is not JSON: expected ${expected} at line ${line}, column ${column}`);
  expect(details).toEqual([{ message, line, column }]);
});

test('calls an empty body empty', () => {
  expect(refusal(' \n').message).toBe('The body is empty: expected JSON');
});

test('refuses bytes that are not UTF-8', () => {
  expect(refusal(new Uint8Array([0x22, 0xff, 0xfe, 0x22])).message).toBe('The body is not valid UTF-8');
});

test('takes JSON as deep as the limit, and refuses one level more', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(() => parseJson(bytes(nested(MAX_JSON_DEPTH)))).not.toThrow();
  expect(refusal(nested(MAX_JSON_DEPTH + 1)).message).toMatch(/nested deeper than 64 levels/);
});

test('counts no brackets inside strings', () => {
  const text = JSON.stringify({ a: `${'['.repeat(500)}\\"{`, b: '\\' });
  expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
});

test('refuses a megabyte of opening brackets at once', () => {
  const started = performance.now();
  expect(refusal('['.repeat(1_000_000)).code).toBe('invalid-request');
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('finds its way through a megabyte of backslashes', () => {
  const started = performance.now();
  expect(refusal(`"${'\\\\'.repeat(400_000)}\\`).code).toBe('invalid-request');
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('keeps a __proto__ member harmless', () => {
  const value = parseJson(bytes('{"__proto__": {"admin": true}}')) as Record<string, unknown>;
  expect(value['admin']).toBeUndefined();
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined();
});

test('finds no fault in any JSON text', () => {
  fc.assert(fc.property(fc.json(), (text) => findJsonFault(text) === undefined));
});

test('agrees with JSON.parse about any text', () => {
  const alphabet = fc.constantFrom(...'{}[]:,"\\u01-+.eE tfn', 'true', 'null', '"a"', '"a":');
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      return (findJsonFault(text) === undefined) === valid;
    }),
    { numRuns: 20_000 },
  );
});

test('counts lines and columns from 1', () => {
  expect(locate('ab\ncd', 4)).toEqual({ line: 2, column: 2 });
  expect(locate('', 0)).toEqual({ line: 1, column: 1 });
});

test.each([
  ['{"user": "cut \\ud83d"}', 'user'],
  ['{"inputs": {"list": ["a", {"text": "\\udc00"}]}}', 'inputs.list[1].text'],
  ['{"\\uDBFFx": 1}', '\ufffdx'],
])('refuses half of a character in %s', (text, field) => {
  expect(() => parseJson(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'invalid-request', details: [expect.objectContaining({ field })] }),
  );
});

test('takes a character that is written as two escapes, and what only looks like half of one', () => {
  expect(parseJson(Buffer.from('["\\ud83d\\ude00", "\\\\ud83d"]'))).toEqual(['\u{1f600}', '\\ud83d']);
});
