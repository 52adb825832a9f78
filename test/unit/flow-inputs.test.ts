import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputSchema, listParameters, searchableValues, validateInputs } from '../../lambdas/core/flow/inputs.ts';
import type { InputSpec } from '../../lambdas/core/flow/plan.ts';
import type { Json } from '../../lambdas/core/json.ts';
import { buildPlan } from '../support/build-plan.ts';

const TOPIC: Record<string, InputSpec> = { topic: { type: 'string' } };

async function findProblems(specs: Record<string, InputSpec>, values: unknown): Promise<string[]> {
  const error = await validateInputs(specs, values).then(
    () => undefined,
    (thrown) => thrown,
  );
  if (error === undefined) return [];
  expect(error).toMatchObject({ code: 'invalid-inputs' });
  return error.details.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`);
}

describe('the inputs of a run', () => {
  test('are completed by their defaults, in the order of the flow', async () => {
    const specs: Record<string, InputSpec> = {
      b: { type: 'string', default: 'x' },
      a: { type: 'integer', required: true },
      c: { type: 'object' },
      d: { type: 'boolean', default: false },
    };
    const inputs = await validateInputs(specs, { a: 1 });
    expect(inputs).toEqual({ b: 'x', a: 1, d: false });
    expect(Object.keys(inputs)).toEqual(['b', 'a', 'd']);
  });

  test('count as absent where they are null', async () => {
    const specs: Record<string, InputSpec> = { a: { type: 'string', default: 'x' }, b: { type: 'number' } };
    expect(await validateInputs(specs, { a: null, b: null })).toEqual({ a: 'x' });
    expect(await findProblems({ a: { type: 'string', required: true } }, { a: null })).toEqual([
      'inputs.a is required',
    ]);
  });

  test('go by their aliases, too, and are named as the caller named them', async () => {
    const specs: Record<string, InputSpec> = {
      query: { type: 'string', maxLength: 3, alias: ['_sys_origin_query', 'q'] },
    };
    expect(await validateInputs(specs, { _sys_origin_query: 'abc' })).toEqual({ query: 'abc' });
    expect(await findProblems(specs, { q: 'abcd' })).toEqual(['inputs.q must have at most 3 characters']);
    expect(await findProblems(specs, { q: 'a', query: 'b' })).toEqual([
      'inputs.query is a duplicate: q is the same input',
    ]);
  });

  test.each<[InputSpec, Json, string | undefined]>([
    [{ type: 'string' }, 1, 'must be a string'],
    [{ type: 'text' }, ['a'], 'must be a string'],
    [{ type: 'number' }, '1', 'must be a number'],
    [{ type: 'integer' }, 1.5, 'must be a whole number'],
    [{ type: 'integer' }, 2 ** 53, 'must be a whole number'],
    [{ type: 'boolean' }, 'true', 'must be true or false'],
    [{ type: 'object' }, [], 'must be an object'],
    [{ type: 'array' }, {}, 'must be a list'],
    [
      { type: 'enum', options: ['english', 'german'] },
      'englsh',
      "must be one of english, german (did you mean 'english'?)",
    ],
    [{ type: 'enum', options: [1, 2] }, 2, undefined],
    [{ type: 'string', minLength: 2 }, 'a', 'must have at least 2 characters'],
    [{ type: 'string', maxLength: 2 }, '👩‍🚀', 'must have at most 2 characters'],
    [{ type: 'string', maxLength: 1 }, '😀', undefined],
    [{ type: 'array', maxLength: 1 }, [1, 2], 'must have at most 1 items'],
    [{ type: 'number', min: 1 }, 0.5, 'must be at least 1'],
    [{ type: 'number', max: 1 }, 1.5, 'must be at most 1'],
    [{ type: 'string', pattern: '^https?://' }, 'ftp://x', 'must match ^https?://'],
    [{ type: 'string', pattern: '^https?://' }, 'http://x', undefined],
    [
      { type: 'object', schema: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
      { a: 'x' },
      undefined,
    ],
    [{ type: 'file' }, { url: 'https://x.example/a.pdf', name: 'a.pdf', type: 'application/pdf', size: 3 }, undefined],
    [{ type: 'file' }, { id: 'upload-1' }, undefined],
    [
      { type: 'file', accept: ['application/pdf', 'image/*', '.txt'] },
      { url: 'https://x.example/', type: 'image/png' },
      undefined,
    ],
    [{ type: 'file', accept: ['application/pdf', '.txt'] }, { url: 'https://x.example/', name: 'a.TXT' }, undefined],
    [
      { type: 'file', accept: ['application/pdf'] },
      { url: 'https://x.example/', type: 'text/html' },
      'must be of type application/pdf',
    ],
    [{ type: 'file', maxSizeBytes: 2 }, { url: 'https://x.example/', size: 3 }, 'must have at most 2 bytes'],
    [{ type: 'files', maxFiles: 1 }, [{ id: 'a' }, { id: 'b' }], 'must have at most 1 files'],
  ])('%j: %j', async (spec, value, problem) => {
    expect(await findProblems({ a: spec }, { a: value })).toEqual(problem === undefined ? [] : [`inputs.a ${problem}`]);
  });

  test.each<Json>([
    'https://x.example',
    { url: 'javascript:alert(1)' },
    { url: 'https://x.example', id: 'a' },
    {},
    { path: '/etc' },
  ])('%j is not a file', async (value) => {
    expect((await findProblems({ a: { type: 'file' } }, { a: value })).join()).toMatch(/^inputs\.a must be a file/);
    expect((await findProblems({ a: { type: 'files' } }, { a: [value] })).join()).toMatch(
      /^inputs\.a must be a list of files/,
    );
  });

  test('name what does not fit a schema, and where', async () => {
    const schema = { type: 'object', properties: { lines: { type: 'array', items: { type: 'number' } } } };
    const [problem] = await findProblems({ order: { type: 'object', schema } }, { order: { lines: [1, 'two'] } });
    expect(problem).toMatch(/^inputs\.order does not fit its schema at lines\[1\]: /);
  });

  test('name every wrong field at once', async () => {
    const specs: Record<string, InputSpec> = { a: { type: 'string', required: true }, b: { type: 'number' } };
    expect(await findProblems(specs, { b: 'x', toString: 1 })).toEqual([
      'inputs.toString is not an input of this flow',
      'inputs.a is required',
      'inputs.b must be a number',
    ]);
  });

  test('that the flow does not have are refused, with a suggestion', async () => {
    expect(await findProblems(TOPIC, { topci: 'x' })).toEqual([
      "inputs.topci is not an input of this flow (did you mean 'topic'?)",
    ]);
    expect(await findProblems(TOPIC, JSON.parse('{"__proto__": {"topic": "x"}}'))).toEqual([
      'inputs.__proto__ is not an input of this flow',
    ]);
  });

  test.each([undefined, null, 'x', 1, [], true])('are an object, not %j', async (values) => {
    expect(await findProblems(TOPIC, values)).toEqual(['inputs must be an object']);
  });

  test('match a pattern in linear time', async () => {
    const began = performance.now();
    await findProblems({ a: { type: 'string', pattern: '^(a+)+$' } }, { a: `${'a'.repeat(50_000)}!` });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test('are accepted or refused, never more', async () => {
    const types = fc.constantFrom<InputSpec['type']>(
      'string',
      'number',
      'integer',
      'boolean',
      'object',
      'array',
      'file',
      'files',
    );
    await fc.assert(
      fc.asyncProperty(types, fc.jsonValue(), async (type, value) => {
        expect((await findProblems({ a: { type } }, { a: value as Json })).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('searchable inputs become text', () => {
  const specs: Record<string, InputSpec> = {
    a: { type: 'integer', searchable: true },
    b: { type: 'boolean', searchable: true },
    c: { type: 'string' },
    d: { type: 'string', searchable: true },
  };
  expect(searchableValues(specs, { a: 7, b: false, c: 'x' })).toEqual({ a: '7', b: 'false' });
});

describe('what callers see', () => {
  const plan = buildPlan({
    title: 'Hello',
    inputs: {
      topic: { type: 'string', title: 'Topic', default: 'News', maxLength: 80 },
      feed: { type: 'string', required: true, pattern: '^https://' },
      order: { type: 'object', schema: { required: ['a'] } },
      files: { type: 'files', maxFiles: 2 },
      secret: { type: 'text', hidden: true },
      lang: { type: 'enum', options: ['en', 'de'] },
    },
    outputs: { news: { type: 'array', title: 'News', value: 1 }, other: { value: 2 } },
  });

  test('is the inputs in their order, without the hidden ones, and the outputs', () => {
    const { inputs, outputs, title } = listParameters(plan);
    expect(inputs.map(({ name }) => name)).toEqual(['topic', 'feed', 'order', 'files', 'lang']);
    expect(inputs[0]).toEqual({ name: 'topic', type: 'string', title: 'Topic', default: 'News', maxLength: 80 });
    expect(outputs).toEqual([{ name: 'news', type: 'array', title: 'News' }, { name: 'other' }]);
    expect(title).toBe('Hello');
  });

  test('is a JSON Schema of the inputs', () => {
    expect(inputSchema(plan)).toMatchObject({
      type: 'object',
      required: ['feed'],
      additionalProperties: false,
      properties: {
        topic: { type: 'string', title: 'Topic', default: 'News', maxLength: 80 },
        feed: { type: 'string', pattern: '^https://' },
        order: { type: 'object', required: ['a'] },
        files: { type: 'array', maxItems: 2, items: { type: 'object' } },
        secret: { type: 'string' },
        lang: { enum: ['en', 'de'] },
      },
    });
  });
});
