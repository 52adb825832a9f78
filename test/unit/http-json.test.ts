import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ApiError } from '../../lambdas/core/errors.ts';
import { MAX_JSON_DEPTH } from '../../lambdas/core/limits.ts';
import { parseJson } from '../../lambdas/http/json-body.ts';
import { findJsonFault, locate } from '../../lambdas/http/json-fault.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

async function refusal(text: string | Uint8Array): Promise<ApiError> {
  try {
    await parseJson(typeof text === 'string' ? bytes(text) : text);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

test('reads JSON', async () => {
  expect(await parseJson(bytes(' {"a": [1, -2.5e3, "ü\\n\\u00fc", true, null]} '))).toEqual({
    a: [1, -2500, 'ü\nü', true, null],
  });
});

test.each([
  ['{"a": 1,}', 1, 9, 'expected a name in double quotes'],
  ['{"a" 1}', 1, 6, "expected ':'"],
  ['{a: 1}', 1, 2, 'expected a name in double quotes'],
  ['[1 2]', 1, 4, "expected ',' or the closing bracket"],
  ['[1,]', 1, 4, 'expected a value'],
  ['{"a": }', 1, 7, 'expected a value'],
  ['{\n  "a": 1,\n  "b": oops\n}', 3, 8, 'expected a value'],
  ['{"a": "one\ntwo"}', 1, 11, 'expected the rest of a string'],
  ['{"a": "one\ttwo"}', 1, 11, 'expected the rest of a string'],
  ['{"a": "\\x"}', 1, 8, 'expected the rest of a string'],
  ['{"a": "\\\\ \\u12g4"}', 1, 11, 'expected the rest of a string'],
  ['{"a": 1', 1, 8, "expected ',' or '}'"],
  ['{} {}', 1, 4, 'expected the end of the text'],
  ['[1}', 1, 3, "expected ',' or the closing bracket"],
  ["{'a': 1}", 1, 2, 'expected a name in double quotes'],
  ['01', 1, 2, 'expected the end of the text'],
  ['[1.]', 1, 4, 'expected the rest of a number'],
  ['"abc', 1, 5, 'expected the rest of a string'],
  ['[1, /* one */ 2]', 1, 5, 'unexpected text'],
  ['{} // end', 1, 4, 'unexpected text'],
  ['[NaN]', 1, 2, 'unexpected text'],
])('says where %j stops being JSON', async (text, line, column, expected) => {
  const { code, message, details } = await refusal(text);
  expect(code).toBe('invalid-request');
  expect(message).toBe(`The body is not JSON: ${expected} at line ${line}, column ${column}`);
  expect(details).toEqual([{ message, line, column }]);
});

test('calls an empty body empty', async () => {
  expect((await refusal(' \n')).message).toBe('The body is empty: expected JSON');
});

test('refuses bytes that are not UTF-8', async () => {
  expect((await refusal(new Uint8Array([0x22, 0xff, 0xfe, 0x22]))).message).toBe('The body is not valid UTF-8');
});

test('takes JSON as deep as the limit, and refuses one level more', async () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(await parseJson(bytes(nested(MAX_JSON_DEPTH)))).toHaveLength(1);
  expect((await refusal(nested(MAX_JSON_DEPTH + 1))).message).toMatch(/nested deeper than 64 levels/);
});

test('counts no brackets inside strings', async () => {
  const text = JSON.stringify({ a: `${'['.repeat(500)}\\"{`, b: '\\' });
  expect(await parseJson(bytes(text))).toEqual(JSON.parse(text));
});

test('refuses a megabyte of opening brackets at once', async () => {
  const started = performance.now();
  expect((await refusal('['.repeat(1_000_000))).code).toBe('invalid-request');
  expect(performance.now() - started).toBeLessThan(1_000);
});

test.each([
  ['brackets of the other kind', '[ }, '.repeat(200_000), 3],
  ['brackets behind a comment with a quotation mark', `[ //"\n${'['.repeat(1_000_000)}`, 3],
  ['brackets behind a wrong symbol', `[x ${'[],'.repeat(300_000)}}`, 2],
  ['spaces', `${' '.repeat(1_000_000)}x`, 1_000_001],
])('finds the first fault in a megabyte of %s', async (_, text, column) => {
  const started = performance.now();
  expect((await refusal(text)).details).toMatchObject([{ line: 1, column }]);
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('finds its way through a megabyte of backslashes', async () => {
  const started = performance.now();
  expect((await refusal(`"${'\\\\'.repeat(400_000)}\\`)).code).toBe('invalid-request');
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('keeps a __proto__ member harmless', async () => {
  const value = (await parseJson(bytes('{"__proto__": {"admin": true}}'))) as Record<string, unknown>;
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
])('refuses half of a character in %s', async (text, field) => {
  await expect(parseJson(Buffer.from(text))).rejects.toThrow(
    expect.objectContaining({ code: 'invalid-request', details: [expect.objectContaining({ field })] }),
  );
});

test('takes a character that is written as two escapes, and what only looks like half of one', async () => {
  expect(await parseJson(Buffer.from('["\\ud83d\\ude00", "\\\\ud83d"]'))).toEqual(['\u{1f600}', '\\ud83d']);
});

test.each([
  ['{"inputs": {"id": 9007199254740993}}', 'inputs.id', '9007199254740993'],
  ['{"a": ["9007199254740993", -9007199254740993]}', 'a[1]', '-9007199254740993'],
  ['[1e400]', '[0]', '1e400'],
  ['{"a\\"1": {"b": -1E+999}}', 'a"1.b', '-1E+999'],
  ['{"tiny": 1e-400}', 'tiny', '1e-400'],
  ['1e400', 'The body', '1e400'],
])('refuses the number in %j, and names it', async (text, field, number) => {
  const { code, message, details } = await refusal(text);
  const why = `is a number that cannot be held exactly (${number}): send it as a text`;
  expect({ code, message }).toEqual({ code: 'invalid-request', message: `${field} ${why}` });
  expect(details).toEqual([{ field: field === 'The body' ? '' : field, message: why }]);
});

test('takes every number that is held as it is written, and any digits in a text', async () => {
  const text =
    '{"9007199254740993": [9007199254740992, -9223372036854776000, 100000000000000000000, -0, 1e300, 1.5e-300, 0e999, 0.1, 1785000000000.123456789, "1e400"]}';
  expect(await parseJson(bytes(text))).toEqual(JSON.parse(text));
});

test('a field of a function of the interpreter is a field like any other', async () => {
  const text = '{"_jsonata_lambda": true}';
  expect(await parseJson(bytes(text))).toEqual({ _jsonata_lambda: true });
});
