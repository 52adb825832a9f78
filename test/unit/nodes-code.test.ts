// The code node: what authors may write, what the compiler checks, and the outcome for each end of the code.

import { describe, expect, test } from 'vitest';
import { compile } from '../../lambdas/core/flow/compile.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { CodeEnd, CodeRunner } from '../../lambdas/core/ports/runners.ts';
import { nodeContext } from '../support/node-context.ts';

const CODE = NODE_KINDS.code;
const PYTHON = { language: 'python', source: 'def main(**args): return args' };

type Call = Parameters<CodeRunner['run']>[0];

/** What the node makes of a runner's answer, and what it asked of the runner. */
async function run(answer: Awaited<ReturnType<CodeRunner['run']>>, written: JsonObject = {}, timeoutMs = 10_000) {
  const calls: Call[] = [];
  const code: CodeRunner = {
    async run(call) {
      calls.push(call);
      return answer;
    },
  };
  const outcome = await CODE.run(nodeContext({ code, timeoutMs }), { ...PYTHON, ...written } as never);
  return { outcome, call: calls[0] };
}

const returned = (result: JsonObject): CodeEnd => ({ kind: 'returned', result });
const failed = (reason: Extract<CodeEnd, { kind: 'failed' }>['reason'], more: object = {}): CodeEnd => ({
  kind: 'failed',
  reason,
  message: 'these words',
  ...more,
});

describe('a run', () => {
  test('passes source, arguments and limits to the runner, for the tenant', async () => {
    const { outcome, call } = await run(returned({ a: 1 }), { args: { n: 2 }, memory: 512 * 1_024 * 1_024 });
    expect(outcome).toEqual({ kind: 'done', result: { a: 1 } });
    expect(call).toMatchObject({
      language: 'python',
      tenant: 'acme',
      job: { source: PYTHON.source, args: { n: 2 }, limits: { timeoutMs: 9_500, memoryMb: 512 } },
    });
  });

  test('has 256 MB and no arguments by default, and a timeout a little shorter than its node', async () => {
    const { call } = await run(returned({}), {}, 1_000);
    expect(call?.job).toMatchObject({ args: {}, limits: { timeoutMs: 900, memoryMb: 256 } });
  });

  test('fails where an expression gave wrong arguments', async () => {
    const { outcome, call } = await run(returned({}), { args: ['a'] });
    expect(outcome).toMatchObject({ kind: 'failed', details: [{ field: 'with.args' }] });
    expect(call).toBeUndefined();
  });

  test('checks the result against `returns`', async () => {
    const returns = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
    expect((await run(returned({ n: 1 }), { returns })).outcome).toMatchObject({ kind: 'done' });
    expect((await run(returned({ n: 'one' }), { returns })).outcome).toMatchObject({
      kind: 'failed',
      code: 'node-failed',
      retryable: false,
      message: expect.stringContaining('The result of the code does not fit its schema at n: '),
      details: [{ field: 'with.returns' }],
    });
  });
});

describe('an end', () => {
  test.each([
    ['threw', { line: 3 }, 'The code failed at line 3: these words', true],
    ['threw', {}, 'The code failed: these words', true],
    ['not-loaded', { line: 2, column: 7 }, 'The code could not be loaded at line 2: these words', false],
    ['no-main', {}, 'The code has no function main: these words', false],
    ['wrong-result', {}, 'The result of the code cannot be used: these words', false],
    ['too-large', {}, 'The result of the code is too large: these words', false],
    ['exited', {}, 'The process exited before main returned: these words', true],
    [
      'out-of-memory',
      {},
      'The code used more than 256 MB of memory and was stopped (raise the limit with `memory:`)',
      false,
    ],
  ] as const)('%s %j is reported as: %s', async (reason, place, message, retryable) => {
    const { outcome } = await run(failed(reason, place));
    const details = [{ field: 'with.source', message: 'these words', ...place }];
    expect(outcome).toEqual({ kind: 'failed', code: 'node-failed', message, retryable, details });
  });

  test('by its time has the code of every timeout', async () => {
    const { outcome } = await run(failed('timed-out'));
    const message = 'The code took longer than 10 s and was stopped';
    expect(outcome).toMatchObject({ code: 'node-timed-out', message, retryable: true });
  });

  test('is reported with what was printed', async () => {
    const { outcome } = await run(failed('threw', { printed: 'so far\n' }));
    expect(outcome).toMatchObject({ details: [{}, { field: 'printed', message: 'so far\n' }] });
  });

  test('of the function itself is retryable where the function says so', async () => {
    const { outcome } = await run({ kind: 'unavailable', message: 'Rate Exceeded.', retryable: true });
    const message = 'The code could not be run: Rate Exceeded.';
    expect(outcome).toMatchObject({ code: 'node-failed', message, retryable: true });
  });
});

describe('a source', () => {
  /** Problems of a flow whose node begins in line 4 and its source in line 9. */
  async function findProblems(language: string, source: string, more = ''): Promise<string[]> {
    const block = source.split('\n').map((line) => `          ${line}`);
    const head = ['flow: 1', 'name: sample', 'nodes:', '  a:', '    type: code', '    with:'];
    const text = [...head, `      language: ${language}`, '      source: |', ...block, more].join('\n');
    const { problems } = await compile(text, NODE_KINDS);
    return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }

  test.each([
    'export function main() { return {}; }',
    'export async function main({ a, b = 1 }) {\n  return { a: await a, b };\n}',
    'export const main = ({ a }) => ({ a });',
    'const main = () => ({});\nexport { main };',
    'function other() {}\nexport { other as main };',
    "import { createHash } from 'node:crypto';\nimport fs, {\n  readFileSync,\n} from 'node:fs';\nimport * as path from 'node:path';\nexport function main() { return { a: createHash('sha1') }; }",
    "import data from './a.json' with { type: 'json' };\nexport function main() { return data; }",
    'const a = await Promise.resolve(1);\nexport function main() { return { a, url: import.meta.url }; }',
    'export function main() { return { text: `\nexport function {\nimport x from "y"\n` }; }',
    'export function main() {\n  return {};\n} // the last line',
    "export async function main() { const fs = await import('node:fs'); return { fs: typeof fs }; }",
  ])('in JavaScript is accepted: %s', async (source) => {
    expect(await findProblems('javascript', source)).toEqual([]);
  });

  test.each(['def main(**args):\n  return args', 'async def main(a): return {}', 'main = lambda **args: args'])(
    'in Python is taken: %s',
    async (source) => {
      expect(await findProblems('python', source)).toEqual([]);
    },
  );

  test.each([
    [
      'const a = 1;\nexport function main() {\n  let b = ;\n}',
      "11:21 the JavaScript of this node does not parse: Unexpected token ';'",
    ],
    ['export function main( {', '9:34 the JavaScript of this node does not parse: something is not closed at the end'],
    [
      'export function main() {\n  await 1;\n}',
      '10:13 the JavaScript of this node does not parse: await is only valid in async functions and the top level bodies of modules',
    ],
    [
      'function main() { return {}; }',
      '8:15 the JavaScript of this node has no main: it must contain `export function main(args) { … }`',
    ],
    [
      '}); process.exit(1); (() => {',
      '8:15 the JavaScript of this node has no main: it must contain `export function main(args) { … }`',
    ],
  ])('in JavaScript is refused, with its place: %s', async (source, problem) => {
    expect(await findProblems('javascript', source)).toEqual([problem]);
  });

  test('without main in Python is refused; a main inside a class does not count', async () => {
    const problem = '8:15 the Python of this node has no main: it must contain `def main(**args): …`';
    expect(await findProblems('python', 'class A:\n  def main(self): pass')).toEqual([problem]);
  });

  test('on one line has its problems where it begins', async () => {
    const text = 'flow: 1\nname: x\nnodes:\n  a: { type: code, with: { language: javascript, source: "a b" } }';
    const { problems } = await compile(text, NODE_KINDS);
    expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual(['4:58']);
  });

  test.each([
    ['imports without end', 'import '.repeat(9_000), 1],
    ['exports without end', ';export {'.repeat(7_000), 1],
    ['space without end', `import a${' '.repeat(60_000)}`, 1],
    // More than the parser takes is left to the process that runs it.
    ['depth without end', `export function main() { return ${'['.repeat(60_000)}`, 0],
  ])('of %s is read to its end', async (_, source, problems) => {
    expect(await findProblems('javascript', source)).toHaveLength(problems);
  });
});

describe('the fields', () => {
  const isTaken = (written: object) => CODE.with.safeParse({ ...PYTHON, ...written }).success;

  test('accept valid values', () => {
    expect(isTaken({ args: { a: '${{ $inputs.a }}' }, returns: { type: 'object' }, memory: '1GB' })).toBe(true);
    expect(isTaken({ args: '${{ $inputs }}' })).toBe(true);
  });

  test.each([
    { language: 'ruby' },
    { source: '' },
    { source: 'x'.repeat(65_537) },
    { args: [1] },
    { args: { 'a-b': 1 } },
    { memory: '2GB' },
    { memory: '64MB' },
    { memory: 256 },
    { network: true },
  ])('do not accept %j', (written) => {
    expect(isTaken(written)).toBe(false);
  });

  test('name what is wrong with `returns`', async () => {
    const found = await CODE.check?.({ ...PYTHON, returns: { properties: { a: { pattern: 'x' } } } } as never);
    expect(found).toEqual([{ path: ['returns'], message: "'with.returns': 'pattern' cannot be used in a schema" }]);
  });
});
