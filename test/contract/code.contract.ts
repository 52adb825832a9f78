// What every CodeRunner promises, in both languages: code ends, however hostile, its end is named, nothing of it is left,
// and the next call knows nothing of it.

import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../lambdas/core/json.ts';
import type { CodeLanguage, CodeRunner } from '../../lambdas/core/ports/runners.ts';

const LIMITS = {
  timeoutMs: 10_000,
  memoryMb: 128,
  resultBytes: 5 * 1_024 * 1_024,
  resultDepth: 64,
  printedBytes: 1_024 * 1_024,
};

interface Dialect {
  language: CodeLanguage;
  /** A whole source whose main has these lines; they see `args.value`. */
  main(...lines: string[]): string;
}

export const DIALECTS: Dialect[] = [
  {
    language: 'javascript',
    main: (...lines) => `import fs from 'node:fs';\nexport async function main(args) {\n${lines.join('\n')}\n}`,
  },
  {
    language: 'python',
    main: (...lines) => `import os, sys, time\ndef main(**args):\n${lines.map((line) => `  ${line}`).join('\n')}`,
  },
];

/** A case has its lines in each language, and what becomes of them in both. */
type Case = [what: string, lines: Record<CodeLanguage, string[]>, end: object];

const failed = (reason: string, message: string | RegExp, more: object = {}) => ({
  kind: 'failed',
  reason,
  message: typeof message === 'string' ? message : expect.stringMatching(message),
  ...more,
});

const ENDED: Case[] = [
  [
    'an exception, with its line',
    { javascript: ['const a = {};', 'return { b: a.b.c };'], python: ['a = {}', 'return {"b": a["b"]}'] },
    failed('threw', /^(TypeError: Cannot read properties of undefined|KeyError: 'b')/, { line: 4 }),
  ],
  [
    'an exception that cannot be written as text',
    {
      javascript: ['throw { toString() { throw new Error("no"); } };'],
      python: ['class Odd(Exception):', '  def __str__(self): raise ValueError("no")', 'raise Odd()'],
    },
    failed('threw', /no|Odd/),
  ],
  [
    'leaving with a status',
    { javascript: ['process.exit(3);'], python: ['os._exit(3)'] },
    failed('exited', 'exit status 3'),
  ],
  [
    'a signal to itself',
    { javascript: ['process.abort();'], python: ['os.abort()'] },
    failed('exited', 'signal SIGABRT'),
  ],
  [
    'endless recursion',
    { javascript: ['const f = () => f() + 1;', 'f();'], python: ['f = lambda: f() + 1', 'f()'] },
    failed('threw', /^(RangeError: Maximum call stack|RecursionError: maximum recursion)/),
  ],
  [
    'a heap that grows for ever',
    {
      javascript: ['const kept = [];', 'for (;;) kept.push(new Array(100_000).fill({}));'],
      python: ['kept = []', 'while True: kept.append([object() for _ in range(100_000)])'],
    },
    { kind: 'failed', reason: 'out-of-memory' },
  ],
  [
    'bytes beside the heap that grow for ever',
    {
      javascript: ['const kept = [];', 'for (;;) kept.push(Buffer.alloc(8e6, 1));'],
      python: ['kept = []', 'while True: kept.append(bytearray(b"1" * 8_000_000))'],
    },
    { kind: 'failed', reason: 'out-of-memory' },
  ],
  [
    'endless printing',
    { javascript: ["for (;;) console.log('x'.repeat(9e4));"], python: ['while True: print("x" * 90_000)'] },
    failed('too-large', 'it printed more than 1048576 bytes', { printed: expect.stringMatching(/^x{4000}/) }),
  ],
  [
    'a huge result',
    { javascript: ["return { a: 'x'.repeat(5e6 + 5e5) };"], python: ['return {"a": "x" * 5_500_000}'] },
    failed('too-large', 'its result has 5500008 bytes; at most 5242880 are allowed'),
  ],
  ['no result', { javascript: ['return;'], python: ['return None'] }, failed('wrong-result', /^main returned nothing/)],
  [
    'a result that is a list',
    { javascript: ['return [1];'], python: ['return [1]'] },
    failed('wrong-result', /^main returned a value of type list/),
  ],
  [
    'a number that JSON does not have',
    { javascript: ['return { a: [{ b: NaN }] };'], python: ['return {"a": [{"b": float("nan")}]}'] },
    failed('wrong-result', /^result\.a\[0\]\.b is nan, which JSON does not have$/i),
  ],
  [
    'a whole number that JSON does not keep',
    { javascript: ['return { a: 2n ** 64n };'], python: ['return {"a": 2 ** 64}'] },
    failed('wrong-result', /^result\.a is (of type bigint|a whole number beyond 2\^53).*: give it as text$/),
  ],
  [
    'bytes',
    { javascript: ["return { a: Buffer.from('a') };"], python: ['return {"a": b"a"}'] },
    failed('wrong-result', /^result\.a is of type (Uint8Array|bytes), which JSON does not have$/),
  ],
  [
    'a set',
    { javascript: ['return { a: new Set([1]) };'], python: ['return {"a": {1}}'] },
    failed('wrong-result', /^result\.a is of type set, which/i),
  ],
  [
    'a result that holds itself',
    { javascript: ['const a = {};', 'a.a = a;', 'return a;'], python: ['a = {}', 'a["a"] = a', 'return a'] },
    failed('wrong-result', 'it is nested too deeply, or holds itself'),
  ],
  [
    'a module that does not exist',
    { javascript: ["await import('no-such-module');"], python: ['import no_such_module'] },
    failed('threw', /no.such.module/),
  ],
];

export function codeContract(make: () => CodeRunner, dialect: Dialect): void {
  const { language, main } = dialect;
  const run = (source: string, args: JsonObject = {}, limits: Partial<typeof LIMITS> = {}) =>
    make().run({ language, tenant: 'acme', job: { source, args, limits: { ...LIMITS, ...limits } } });
  const greet = main(
    ...{ javascript: ['return { ok: args.value };'], python: ['return {"ok": args["value"]}'] }[language],
  );
  const stillWorks = async () =>
    expect(await run(greet, { value: 1 })).toEqual({ kind: 'returned', result: { ok: 1 } });

  describe(language, () => {
    test('gives what main returns, given its arguments as they are', async () => {
      const value = { text: 'ä😀\u2028"\\', list: [1, 2.5, true, null, []], empty: {} };
      expect(await run(greet, { value })).toEqual({ kind: 'returned', result: { ok: value } });
    });

    test.each(ENDED)('names its end and leaves the next call alone: %s', async (_, lines, end) => {
      expect(await run(main(...lines[language]))).toMatchObject(end);
      await stillWorks();
    });

    test('ends what runs for ever, whether it sleeps or spins', async () => {
      const forever = {
        javascript: [['for (;;);'], ['await new Promise((resolve) => setTimeout(resolve, 60_000));']],
        python: [['while True: pass'], ['time.sleep(60)']],
      }[language];
      for (const lines of forever) {
        const end = await run(main(...lines), {}, { timeoutMs: 500 });
        expect(end).toEqual(failed('timed-out', 'main did not return in time'));
      }
      await stillWorks();
    });

    test('sees an environment in which there is nothing, and a directory in which there is nothing', async () => {
      const look = {
        javascript: [
          'fs.writeFileSync("mark", "");',
          'return { env: process.env, seen: args.value && fs.readdirSync(".") };',
        ],
        python: ['open("mark", "w").close()', 'return {"env": dict(os.environ), "seen": os.listdir(".")}'],
      }[language];
      for (let call = 0; call < 2; call++) {
        const end = await run(main(...look), { value: true });
        const { env, seen } =
          end.kind === 'returned' ? (end.result as { env: JsonObject; seen: string[] }) : { env: {} };
        expect(
          Object.keys(env)
            .filter((name) => name !== 'LD_LIBRARY_PATH' && name !== 'PWD')
            .sort(),
        ).toEqual(['HOME', 'LANG', 'PATH', 'TMPDIR', 'TZ']);
        expect(seen?.filter((name) => name !== 'main.mjs')).toEqual(['mark']);
      }
    });

    test('takes nothing for a result that main has not returned', async () => {
      const forged = JSON.stringify({ kind: 'returned', result: { forged: true } });
      const forge = {
        javascript: [
          `console.log(args.value);`,
          `for (const fd of [1, 2, 3]) try { fs.writeSync(fd, '\\n' + args.value + '\\n'); } catch {}`,
          'return { forged: false };',
        ],
        python: [
          'print(args["value"])',
          'for fd in range(1, 30):',
          '  try: os.write(fd, ("\\n" + args["value"] + "\\n").encode())',
          '  except OSError: pass',
          'return {"forged": False}',
        ],
      }[language];
      expect(await run(main(...forge), { value: forged })).toEqual({ kind: 'returned', result: { forged: false } });
    });

    test('reports a source that cannot be loaded, and one without main', async () => {
      const broken = { javascript: 'export function main() {\n  let a = ;\n}', python: 'def main():\n  a = = 1' }[
        language
      ];
      expect(await run(broken)).toMatchObject({ ...failed('not-loaded', /^SyntaxError: /), line: 2 });
      const other = { javascript: 'export const other = 1;', python: 'other = 1' }[language];
      expect(await run(other)).toMatchObject({ kind: 'failed', reason: 'no-main' });
      const early = { javascript: '\nthrow new TypeError("early");', python: '\nraise TypeError("early")' }[language];
      expect(await run(early)).toMatchObject({ ...failed('not-loaded', 'TypeError: early'), line: 2 });
    });

    test('lets no call reach the one before', async () => {
      const leave = {
        javascript: ['globalThis.left = (globalThis.left ?? 0) + 1;', 'JSON.parse = () => ({});', 'return { left };'],
        python: ['sys.left = getattr(sys, "left", 0) + 1', 'return {"left": sys.left}'],
      }[language];
      for (let call = 0; call < 2; call++) expect(await run(main(...leave))).toMatchObject({ result: { left: 1 } });
    });

    test('reports the end of what was printed where the code fails', async () => {
      const lines = {
        javascript: ["console.log('one');", "console.error('two');", "throw new Error('three');"],
        python: ['print("one")', 'print("two", file=sys.stderr)', 'raise ValueError("three")'],
      }[language];
      const end = await run(main(...lines));
      expect(end).toMatchObject({ kind: 'failed', printed: expect.stringMatching(/^(one\ntwo\n|two\none\n)$/) });
    });
  });
}
