// The two functions of the template, invoked by the SDK on the local Lambda endpoint: real handlers, real processes.

import { existsSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCode } from '../../lambdas/aws/code.ts';
import { makeFunctions } from '../../lambdas/aws/functions.ts';
import type { CodeLanguage, CodeRunner } from '../../lambdas/core/ports/runners.ts';
import { readAssembly } from '../../local/assembly.ts';
import { readFunctions } from '../../local/blueprint/functions.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { startAwsServer } from '../../local/emulators/aws-server.ts';
import { createFunctions } from '../../local/functions.ts';
import { synthesize } from '../../local/synthesis.ts';
import { hasPython } from '../support/python.ts';
import { codeContract, DIALECTS } from './code.contract.ts';

const NAMES = { javascript: 'Code/JavaScript', python: 'Code/Python' };
let code: CodeRunner;
let functions: ReturnType<typeof makeFunctions>;
const ending = new AsyncDisposableStack();

/** Its own endpoint of Lambda, with the functions of a template. */
async function serveFunctions(options: { perTenant?: false } = {}) {
  const context = { stage: 'local', privateTargets: 'loopback' };
  const place = { queuesEndpoint: 'http://127.0.0.1:1' };
  const described = readFunctions(await readAssembly(await synthesize({ context }), place));
  const specs = described.map((spec) => ({ ...spec, ...options }));
  const local = createFunctions({
    specs,
    ownFolder: tmpdir(),
    endpoints: {},
    concurrency: 2,
    logFd: openSync('/dev/null', 'a'),
  });
  ending.defer(() => local.close());
  const server = await startAwsServer({
    secrets: [],
    has: local.hasOwn,
    invoke: (name, payload, tenant) =>
      tenant === undefined ? local.invoke(name, payload) : local.invokeFor(tenant, name, payload),
  });
  ending.defer(() => server.stop());
  const client = new LambdaClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });
  const readName = (language: CodeLanguage) => specs.find(({ path }) => path.includes(NAMES[language]))?.name ?? '';
  return {
    functions: makeFunctions({ client }),
    names: { javascript: readName('javascript'), python: readName('python') },
  };
}

beforeAll(async () => {
  const served = await serveFunctions();
  functions = served.functions;
  code = makeCode({ ...served, perTenant: true });
}, 60_000);
afterAll(() => ending.disposeAsync());

for (const dialect of DIALECTS) {
  if (dialect.language === 'javascript' || hasPython) codeContract(() => code, dialect);
}

const LIMITS = { timeoutMs: 10_000, memoryMb: 128, resultBytes: 100_000, resultDepth: 64, printedBytes: 100_000 };
const run = (language: CodeLanguage, source: string, tenant = 'acme') =>
  code.run({ language, tenant, job: { source, args: {}, limits: LIMITS } });
const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

test('a call leaves no directory behind, not even one that it has locked', async () => {
  const lock = `import fs from 'node:fs';
    export function main() {
      fs.mkdirSync('a/b', { recursive: true });
      fs.chmodSync('a', 0);
      return { directory: process.cwd() };
    }`;
  const end = await run('javascript', lock);
  expect(end).toMatchObject({ kind: 'returned' });
  expect(existsSync(end.kind === 'returned' ? String(end.result['directory']) : '/')).toBe(false);
});

describe('JavaScript', () => {
  const probe = (lines: string) =>
    run('javascript', `import fs from 'node:fs';\nexport async function main() {\n${lines}\n}`);

  test.each([
    [
      'the environment of the process that started it',
      'return { a: fs.readFileSync(`/proc/${process.ppid}/environ`, "utf8") };',
    ],
    ['its own environment as it was', 'return { a: fs.readFileSync("/proc/self/environ", "utf8") };'],
    ['any other file', 'return { a: fs.readFileSync("/etc/hostname", "utf8") };'],
    ['a file by a link', 'fs.symlinkSync("/etc", "etc"); return { a: fs.readdirSync("etc") };'],
    ['a file by import', 'return { a: await import("file:///etc/hostname") };'],
    ['a file outside by writing', 'fs.writeFileSync("/tmp/errand-escaped", ""); return {};'],
    [
      'a file by a database',
      'const { DatabaseSync } = await import("node:sqlite"); new DatabaseSync("/tmp/errand-escaped"); return {};',
    ],
    ['a file as an environment', 'process.loadEnvFile(`/proc/${process.ppid}/environ`); return { a: process.env };'],
    [
      'a file by a report',
      'process.report.directory = "/tmp"; process.report.writeReport("errand-escaped"); return {};',
    ],
    ['the debugger', 'const { Session } = await import("node:inspector"); new Session().connect(); return {};'],
    ['another process', 'const { spawn } = await import("node:child_process"); spawn("sleep", ["60"]); return {};'],
    ['a thread', 'const { Worker } = await import("node:worker_threads"); new Worker("1", { eval: true }); return {};'],
    ['the process that started it by a signal', 'process.kill(process.ppid, "SIGKILL"); return {};'],
    ['the same by an imported name', '(await import("node:process")).kill(process.ppid, 9); return {};'],
    ['what lies beneath', 'return { a: typeof process.binding("spawn_sync") };'],
    ['an add-on', 'process.dlopen({ exports: {} }, "/lib/x.node"); return {};'],
  ])('cannot reach %s', async (_, lines) => {
    expect(await probe(lines)).toMatchObject({ kind: 'failed', reason: 'threw' });
    expect(existsSync('/tmp/errand-escaped')).toBe(false);
    expect(await probe('return { ok: 1 };')).toEqual({ kind: 'returned', result: { ok: 1 } });
  });

  test('that waits for nothing is reported as such', async () => {
    const end = { reason: 'exited', message: 'main waits for something that can no longer happen' };
    expect(await probe('await new Promise(() => {}); return {};')).toMatchObject(end);
  });

  test('that fails beside main fails the call', async () => {
    const end = await probe(
      'setTimeout(() => { throw new Error("later"); });\nawait new Promise((r) => setTimeout(r, 5_000));',
    );
    expect(end).toMatchObject({ reason: 'threw', message: 'Error: later', line: 3 });
  });

  test('that would not leave is left', async () => {
    expect(await probe('process.on("exit", () => { for (;;); }); return { ok: 1 };')).toMatchObject({
      kind: 'returned',
    });
  });
});

describe.runIf(hasPython)('Python', () => {
  const probe = (...lines: string[]) =>
    run('python', ['import os, sys, time', 'def main():', ...lines.map((line) => `  ${line}`)].join('\n'));

  test('may be asynchronous, use threads and define classes that look for their module', async () => {
    const end = await run(
      'python',
      `import asyncio, concurrent.futures, dataclasses
@dataclasses.dataclass
class Point:
    x: int
async def main():
    await asyncio.sleep(0)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return {"squares": list(pool.map(lambda n: n * n, range(4))), "point": dataclasses.asdict(Point(1))}`,
    );
    expect(end).toEqual({ kind: 'returned', result: { squares: [0, 1, 4, 9], point: { x: 1 } } });
  });

  test('finds no credentials in the environment of the process that started it', async () => {
    const end = await probe('return {"a": open(f"/proc/{os.getppid()}/environ").read()}');
    const seen = end.kind === 'returned' ? String(end.result['a']) : '';
    expect(seen).toContain('AWS_LAMBDA_FUNCTION_NAME=');
    expect(seen).not.toMatch(/SECRET|ACCESS_KEY|SESSION_TOKEN/);
  });

  test('that leaves by sys.exit, or with an end of its own making, is reported as such', async () => {
    expect(await probe('sys.exit("enough")')).toMatchObject({
      reason: 'exited',
      message: "sys.exit('enough')",
      line: 3,
    });
    expect(await probe('os.kill(os.getpid(), 9)')).toMatchObject({ reason: 'exited', message: 'signal SIGKILL' });
  });

  test.runIf(process.platform === 'linux')(
    'takes every process with it that it started, in whatever session',
    async () => {
      const end = await probe(
        'reader, writer = os.pipe()',
        'if os.fork() == 0:',
        '  os.setsid()',
        '  if os.fork() == 0:',
        '    os.write(writer, str(os.getpid()).encode())',
        '    time.sleep(60)',
        '  os._exit(0)',
        'os.wait()',
        'daemon = int(os.read(reader, 20))',
        'import subprocess',
        'other = subprocess.Popen(["sleep", "60"], start_new_session=True).pid',
        'return {"daemon": daemon, "other": other}',
      );
      const { daemon, other } = end.kind === 'returned' ? (end.result as { daemon: number; other: number }) : {};
      expect([typeof daemon, typeof other]).toEqual(['number', 'number']);
      expect([isAlive(daemon ?? 0), isAlive(other ?? 0)]).toEqual([false, false]);
    },
  );

  test('that forks gives one result', async () => {
    expect(await probe('os.fork()', 'return {"ok": 1}')).toEqual({ kind: 'returned', result: { ok: 1 } });
  });

  test.runIf(process.platform === 'linux')('has its memory counted over all its processes', async () => {
    const end = await probe(
      'for _ in range(5):',
      '  if os.fork() == 0:',
      '    kept = bytearray(b"1" * 40_000_000)',
      '    time.sleep(60)',
      'time.sleep(60)',
    );
    expect(end).toMatchObject({ reason: 'out-of-memory' });
  });

  test('that ends the function itself fails its call, and the next one finds another', async () => {
    const end = await probe('os.kill(os.getppid(), 9)', 'time.sleep(60)');
    expect(end).toEqual({ kind: 'unavailable', retryable: true, message: 'Runtime exited with error: signal: killed' });
    expect(await probe('return {"ok": 1}')).toMatchObject({ kind: 'returned' });
  });

  test('is not run where it has left something for another tenant', async () => {
    const leave = 'import os\ndef main(): return {"parent": os.getppid()}';
    const parents = await Promise.all(['acme', 'globex'].map((tenant) => run('python', leave, tenant)));
    const [acme, globex] = parents.map((end) => (end.kind === 'returned' ? end.result['parent'] : undefined));
    expect(acme).not.toBe(globex);
    expect(await run('python', leave)).toMatchObject({ result: { parent: acme } });
  });
});

test('the functions are not invoked without a tenant', async () => {
  const code = makeCode({ functions, names: { javascript: 'JavaScript' }, perTenant: false });
  const job = { source: 'export function main() { return {}; }', args: {}, limits: LIMITS };
  expect(await code.run({ language: 'javascript', tenant: 'acme', job })).toMatchObject({
    kind: 'unavailable',
    message: expect.stringMatching(/^InvalidParameterValueException: /),
    retryable: false,
  });
});

test('a deployment without tenant isolation runs code as well, and there its functions take no tenant', async () => {
  const served = await serveFunctions({ perTenant: false });
  const job = { source: 'export function main() { return { ok: true }; }', args: {}, limits: LIMITS };
  const call = { language: 'javascript', tenant: 'acme', job } as const;
  expect(await makeCode({ ...served, perTenant: false }).run(call)).toMatchObject({ result: { ok: true } });
  expect(await makeCode({ ...served, perTenant: true }).run(call)).toMatchObject({ kind: 'unavailable' });
});
