// Functions in Python on this machine: Lambda's contract with a handler, kept by a process of the machine's own python3.

import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Outcome } from '../../local/functions/environment.ts';
import { Pool } from '../../local/functions/pool.ts';
import { hasPython } from '../support/python.ts';

const directory = mkdtempSync(join(tmpdir(), 'errand-python-'));
const logFile = join(directory, 'log');
const pools: Pool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

let written = 0;
function makePool(source: string, variables: Record<string, string> = {}): Pool {
  const file = join(directory, `function_${++written}.py`);
  writeFileSync(file, source);
  const pool = new Pool(
    {
      runtime: 'python',
      name: 'Probe',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Probe',
      file,
      exportName: 'handler',
      timeoutMs: 1_000,
      memoryMb: 64,
      variables: { PATH: process.env['PATH'] ?? '', LAMBDA_TASK_ROOT: directory, ...variables },
      logFd: openSync(logFile, 'a'),
    },
    { environments: 1, starts: 1, waiting: 10, idleMs: 60_000 },
  );
  pools.push(pool);
  return pool;
}

const call = (pool: Pool, event: unknown = {}) =>
  pool.invoke({ requestId: crypto.randomUUID(), payload: JSON.stringify(event) });
const parsed = (outcome: Outcome) => JSON.parse(String(outcome.payload));

describe.runIf(hasPython)('a function in Python', () => {
  test('answers with what its handler returns, warm for the next invocation', async () => {
    const pool = makePool(
      `
import os
served = 0
def handler(event, context):
    global served
    served += 1
    return {"event": event, "served": served, "left": context.get_remaining_time_in_millis(), "env": os.environ["A"]}`,
      {
        A: 'b',
      },
    );
    expect(parsed(await call(pool, { n: 'ä' }))).toMatchObject({ event: { n: 'ä' }, served: 1, env: 'b' });
    const { served, left } = parsed(await call(pool));
    expect(served).toBe(2);
    expect(left).toBeGreaterThan(0);
  });

  test('reports what its handler raises, and goes on', async () => {
    const pool = makePool('def handler(event, context):\n  return 1 / event["n"]');
    expect(await call(pool, { n: 0 })).toMatchObject({ status: 'failed', errorType: 'ZeroDivisionError' });
    expect(parsed(await call(pool, { n: 2 }))).toBe(0.5);
  });

  test('that cannot be loaded says why', async () => {
    const broken = await call(makePool('import no_such_module'));
    expect(broken).toMatchObject({ status: 'failed', errorType: 'ModuleNotFoundError' });
    expect(await call(makePool('other = 1'))).toMatchObject({ status: 'failed', errorType: 'AttributeError' });
  });

  test('is ended at its timeout, or ends itself, and the next invocation finds another one', async () => {
    const pool = makePool(`
import os
def handler(event, context):
    while event.get("hang"): pass
    if event.get("exit"): os._exit(7)
    return "fine"`);
    const ended = [await call(pool, { hang: true }), await call(pool, { exit: true })];
    expect(ended.map((outcome) => parsed(outcome))).toEqual([
      { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 1.00 seconds' },
      { errorType: 'Runtime.ExitError', errorMessage: 'Runtime exited with error: exit status 7' },
    ]);
    expect(parsed(await call(pool))).toBe('fine');
  });

  test('is started by its wrapper', async () => {
    const wrapper = join(directory, 'wrapper');
    writeFileSync(wrapper, '#!/bin/sh\nunset SECRET\nexport WRAPPED=yes\nexec "$@"\n');
    chmodSync(wrapper, 0o755);
    const source = 'import os\ndef handler(event, context): return [os.environ.get(name) for name in event]';
    const pool = makePool(source, { SECRET: 's', AWS_LAMBDA_EXEC_WRAPPER: '/var/task/wrapper' });
    expect(parsed(await call(pool, ['SECRET', 'WRAPPED']))).toEqual([null, 'yes']);
  });

  test('prints to the log', async () => {
    await call(makePool('def handler(event, context): print("from python", flush=True)'));
    expect(readFileSync(logFile, 'utf8')).toContain('from python\n');
  });
});

test('a machine without python3 gets a message that says so, whether the function has a wrapper or not', async () => {
  const wrapper = join(directory, 'wrapper');
  writeFileSync(wrapper, '#!/bin/sh\nexec "$@"\n');
  chmodSync(wrapper, 0o755);
  const environments: Record<string, string>[] = [{}, { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/wrapper' }];
  for (const variables of environments) {
    const outcome = await call(makePool('', { ...variables, PATH: directory }));
    expect(parsed(outcome)).toEqual({
      errorType: 'Runtime.InvalidEntrypoint',
      errorMessage: 'Python needs python3 on the PATH of this machine',
    });
  }
});
