import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Outcome, Sink } from '../../local/functions/environment.ts';
import { Pool } from '../../local/functions/pool.ts';

const directory = mkdtempSync(join(tmpdir(), 'errand-functions-'));
const logFile = join(directory, 'log');
const pools: Pool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

let written = 0;
function makePool(
  source: string,
  options: { timeoutMs?: number; environments?: number; starts?: number; waiting?: number } = {},
): Pool {
  const file = join(directory, `function-${++written}.mjs`);
  writeFileSync(file, source);
  const pool = new Pool(
    {
      name: 'Probe',
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:Probe',
      runtime: 'nodejs',
      file,
      exportName: 'handler',
      timeoutMs: options.timeoutMs ?? 5_000,
      memoryMb: 64,
      variables: { GREETING: 'hello' },
      logFd: openSync(logFile, 'a'),
    },
    {
      environments: options.environments ?? 4,
      starts: options.starts ?? 4,
      waiting: options.waiting ?? 100,
      idleMs: 60_000,
    },
  );
  pools.push(pool);
  return pool;
}

const call = (pool: Pool, event: unknown = {}, sink?: Sink) =>
  pool.invoke({ requestId: crypto.randomUUID(), payload: JSON.stringify(event), ...(sink ? { sink } : {}) });
const parsed = (outcome: Outcome) => JSON.parse(String(outcome.payload));

function collector(onWrite: (text: string) => void = () => {}) {
  const gone = new AbortController();
  const chunks: { text: string; atMs: number }[] = [];
  let ended = false;
  const sink: Sink = {
    gone: gone.signal,
    async write(bytes) {
      chunks.push({ text: Buffer.from(bytes).toString(), atMs: performance.now() });
      onWrite(Buffer.from(bytes).toString());
    },
    end: () => {
      ended = true;
    },
  };
  return { sink, chunks, leave: () => gone.abort(), hasEnded: () => ended };
}

describe('an invocation', () => {
  test('answers with what the handler returns and sees only the environment it was given', async () => {
    const pool = makePool(`export const handler = async (event, context) => ({
      event, variables: Object.keys(process.env), greeting: process.env.GREETING, function: context.functionName,
      left: context.getRemainingTimeInMillis() })`);
    const answer = parsed(await call(pool, { n: 1 }));
    expect(answer).toMatchObject({ event: { n: 1 }, greeting: 'hello', variables: ['GREETING'], function: 'Probe' });
    expect(answer.left).toBeGreaterThan(4_000);
    expect(answer.left).toBeLessThanOrEqual(5_000);
  });

  test('keeps the name and message of what the handler throws', async () => {
    const pool = makePool(`class Refused extends Error { name = 'Refused' }
      export const handler = async () => { throw new Refused('no') }`);
    const outcome = await call(pool);
    expect(outcome.status).toBe('failed');
    expect(parsed(outcome)).toMatchObject({ errorType: 'Refused', errorMessage: 'no' });
  });

  test('is ended at the timeout of the function, whether it sleeps or spins', async () => {
    for (const body of ['await new Promise((resolve) => setTimeout(resolve, 60000))', 'for (;;) {}']) {
      const pool = makePool(`export const handler = async (event) => { if (event.hang) { ${body} } return 'fine' }`, {
        timeoutMs: 300,
      });
      const outcome = await call(pool, { hang: true });
      expect(outcome).toMatchObject({ status: 'failed', errorType: 'Sandbox.Timedout' });
      expect(parsed(outcome).errorMessage).toMatch(/^RequestId: \S+ Error: Task timed out after 0\.30 seconds$/);
      expect(parsed(await call(pool))).toBe('fine');
    }
  });

  test('that exits, runs out of memory or leaves an error uncaught fails alone', async () => {
    const pool = makePool(`export const handler = async (event) => {
      if (event.do === 'exit') process.exit(7);
      if (event.do === 'fill') { const kept = []; for (;;) kept.push(new Array(100000).fill({})); }
      if (event.do === 'throw') { setTimeout(() => { throw new TypeError('stray') }); await new Promise(() => {}); }
      return 'fine';
    }`);
    expect(parsed(await call(pool, { do: 'exit' }))).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringContaining('exit status 7'),
    });
    expect(parsed(await call(pool, { do: 'fill' })).errorType).toBe('Runtime.OutOfMemory');
    expect(parsed(await call(pool, { do: 'throw' }))).toMatchObject({ errorType: 'TypeError', errorMessage: 'stray' });
    expect(parsed(await call(pool))).toBe('fine');
  });

  test('of code that cannot be loaded says why, and the next one tries again', async () => {
    const broken = makePool(`throw new Error('no such table')`);
    expect(parsed(await call(broken))).toMatchObject({ errorMessage: 'no such table' });
    expect(parsed(await call(broken))).toMatchObject({ errorMessage: 'no such table' });
    const nameless = makePool('export const other = 1');
    expect(parsed(await call(nameless)).errorType).toBe('Runtime.HandlerNotFound');
  });

  test('takes and gives at most 6 MB', async () => {
    const pool = makePool(`export const handler = async (event) => 'x'.repeat(event.size ?? 0)`);
    expect((await call(pool, 'x'.repeat(6_300_000))).errorType).toBe('RequestTooLargeException');
    expect((await call(pool, { size: 6_300_000 })).errorType).toBe('Function.ResponseSizeTooLarge');
  });

  test('has written its log to the file even when it crashes', async () => {
    const pool = makePool(`export const handler = async () => { console.log('last words'); process.exit(1) }`);
    await call(pool);
    expect(readFileSync(logFile, 'utf8')).toContain('last words');
  });
});

describe('an execution environment', () => {
  test('makes no progress between invocations: a timer set before the answer fires only in the next one', async () => {
    const pool = makePool(
      `import { writeFileSync } from 'node:fs';
       export const handler = async (event) => {
         if (event.arm) setTimeout(() => writeFileSync(event.arm, 'fired'), 20);
         else await new Promise((resolve) => setTimeout(resolve, 50));
       }`,
      { environments: 1 },
    );
    const mark = join(directory, 'timer');
    await call(pool, { arm: mark });
    await sleep(200);
    expect(() => readFileSync(mark)).toThrow();
    await call(pool);
    expect(readFileSync(mark, 'utf8')).toBe('fired');
  });

  test('serves one invocation at a time and keeps its state for the next', async () => {
    const pool = makePool(`let served = 0; let running = 0;
      export const handler = async () => {
        const alone = ++running === 1;
        await new Promise((resolve) => setTimeout(resolve, 30));
        running--;
        return { alone, served: ++served };
      }`);
    const answers = (await Promise.all([1, 2, 3].map(() => call(pool)))).map(parsed);
    expect(answers).toEqual([1, 2, 3].map(() => ({ alone: true, served: 1 })));
    expect(parsed(await call(pool))).toEqual({ alone: true, served: 2 });
  });

  test('is waited for beyond the cap, and who comes when the line is full is throttled', async () => {
    const pool = makePool(`export const handler = () => new Promise((resolve) => setTimeout(resolve, 50, 'fine'))`, {
      environments: 1,
      waiting: 2,
    });
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => call(pool)));
    expect(outcomes.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'throttled']);
  });
});

describe('starting environments', () => {
  test('wait for each other, so that short invocations share a few and long ones still get one each', async () => {
    const source = `let served = 0;
      export const handler = async ({ ms }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return ++served;
      }`;
    const shared = makePool(source, { environments: 20, starts: 1 });
    const short = await Promise.all(Array.from({ length: 20 }, () => call(shared, { ms: 1 })));
    expect(Math.max(...short.map(parsed))).toBeGreaterThan(1);
    const long = makePool(source, { environments: 4, starts: 1 });
    const answers = await Promise.all(Array.from({ length: 4 }, () => call(long, { ms: 1_000 })));
    expect(answers.map(parsed)).toEqual([1, 1, 1, 1]);
  });

  test('that fail leave their turn to the next', async () => {
    const pool = makePool(`throw new Error('broken')`, { starts: 1 });
    const outcomes = await Promise.all([1, 2, 3].map(() => call(pool)));
    expect(outcomes.map((outcome) => parsed(outcome).errorMessage)).toEqual(['broken', 'broken', 'broken']);
  });
});

describe('a streaming handler', () => {
  test('puts status and headers before the body and its chunks arrive as they are written', async () => {
    const pool = makePool(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
      const body = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
      body.write('one');
      await new Promise((resolve) => setTimeout(resolve, 100));
      body.write('two');
      body.end();
    })`);
    const { sink, chunks, hasEnded } = collector();
    expect((await call(pool, {}, sink)).status).toBe('succeeded');
    const [first, second] = chunks;
    expect(first?.text).toBe('{"statusCode":201,"headers":{"x-a":"b"}}\0\0\0\0\0\0\0\0one');
    expect(second?.text).toBe('two');
    expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(70);
    expect(hasEnded()).toBe(true);
  });

  test('lasts until its stream is finished and may go on after it', async () => {
    const pool = makePool(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
      if (event.late) { setTimeout(() => stream.end('late'), 80); return; }
      stream.end('early');
      await new Promise((resolve) => setTimeout(resolve, 80));
    })`);
    const late = collector();
    await call(pool, { late: true }, late.sink);
    expect(late.chunks.map(({ text }) => text)).toEqual(['late']);
    const early = collector();
    const invocation = call(pool, {}, early.sink);
    await expect.poll(early.hasEnded).toBe(true);
    expect(await Promise.race([invocation, 'still going'])).toBe('still going');
    expect((await invocation).status).toBe('succeeded');
  });

  test('learns that its caller has gone by an error of the stream, and the invocation goes on', async () => {
    const pool = makePool(`import { writeFileSync } from 'node:fs';
      import { pipeline } from 'node:stream/promises';
      export const handler = awslambda.streamifyResponse(async (event, stream) => {
        const endless = async function* () { for (;;) { yield 'tick '; await new Promise((r) => setTimeout(r, 10)); } };
        const problem = await pipeline(endless, stream).catch((error) => error.message);
        await new Promise((resolve) => setTimeout(resolve, 50));
        writeFileSync(event.mark, problem);
      })`);
    const mark = join(directory, 'gone');
    const caller = collector(() => caller.leave());
    expect((await call(pool, { mark }, caller.sink)).status).toBe('succeeded');
    expect(readFileSync(mark, 'utf8')).toBe('The caller has gone');
  });

  test('is not hurt by a caller who goes while nobody watches the stream', async () => {
    const pool = makePool(`export const handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.write('start');
      await new Promise((resolve) => setTimeout(resolve, 50));
      stream.end('end');
    })`);
    const caller = collector(() => caller.leave());
    expect((await call(pool, {}, caller.sink)).status).toBe('succeeded');
  });

  test('waits for a slow caller before it writes more', async () => {
    const pool = makePool(`import { Readable } from 'node:stream';
      import { pipeline } from 'node:stream/promises';
      export const handler = awslambda.streamifyResponse(async (event, stream) => {
        let made = 0;
        const source = new Readable({ read() { this.push(++made > 200 ? null : Buffer.alloc(65536)); } });
        const watch = setInterval(() => console.log('made ' + made), 20);
        await pipeline(source, stream);
        clearInterval(watch);
      })`);
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    let taken = 0;
    const sink: Sink = {
      gone: new AbortController().signal,
      end() {},
      async write(bytes) {
        await opened;
        taken += bytes.length;
      },
    };
    const invocation = call(pool, {}, sink);
    await expect.poll(() => readFileSync(logFile, 'utf8'), { timeout: 5_000 }).toMatch(/made \d+\n$/);
    await sleep(200);
    const made = Number(/made (\d+)\n$/.exec(readFileSync(logFile, 'utf8'))?.[1]);
    expect(made).toBeLessThan(10);
    open();
    await invocation;
    expect(taken).toBe(200 * 65_536);
  });
});

process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
