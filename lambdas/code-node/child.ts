// The process of one call: loads the code as a module, calls its main and writes the result as one line to a descriptor
// of its own, so that nothing the code prints can pass for a result. What bounds this process is in process.ts.

import { readSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CodeEnd, CodeJob } from '../core/ports/runners.ts';
import { toJson, WrongResult } from './result.ts';

type Failed = Extract<CodeEnd, { kind: 'failed' }>;

const ANSWER_FD = 3;
// Kept from before the code may replace them.
const { stringify } = JSON;
const { byteLength } = Buffer;
const exit: (code: number) => never = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(
  process,
);

const { token, directory, args, limits, ownPorts } = readJob();
const file = join(directory, 'main.mjs');

// The permission model knows no connections.
if (ownPorts.length > 0) (await import('./closed-ports.ts')).closePorts(ownPorts);
// The permission model knows no signals, and the process that started this one is as easily found as killed.
for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd', '_linkedBinding', 'binding', 'dlopen', 'execve']) {
  Reflect.deleteProperty(process, name);
}
syncBuiltinESMExports();

for (const stream of [process.stdout, process.stderr]) {
  // What is printed is written before anything else happens, so that it is not lost when the process ends.
  (stream as unknown as { _handle?: { setBlocking?(on: boolean): void } })._handle?.setBlocking?.(true);
}
process.on('uncaughtException', (error) => writeEnd(fromThrown(error)));
process.once('beforeExit', () => writeEnd(failed('exited', 'main waits for something that can no longer happen')));
// The process that started this one has the other end: when that closes, nobody waits for the result any more.
process.stdin.on('close', () => exit(1)).resume();
(process.stdin as unknown as { unref(): void }).unref();

writeEnd(await call());

async function call(): Promise<CodeEnd> {
  let main: unknown;
  try {
    ({ main } = (await import(pathToFileURL(file).href)) as { main?: unknown });
  } catch (error) {
    return { ...fromThrown(error), reason: 'not-loaded' };
  }
  if (typeof main !== 'function') return failed('no-main', 'it must hold `export function main(args) { … }`');
  let result: unknown;
  try {
    result = await main(args);
  } catch (error) {
    return fromThrown(error);
  }
  return fromReturned(result);
}

function fromReturned(result: unknown): CodeEnd {
  try {
    const plain = toJson(result, limits.resultDepth);
    const bytes = byteLength(stringify(plain));
    if (bytes <= limits.resultBytes) return { kind: 'returned', result: plain };
    return failed('too-large', `its result has ${bytes} bytes; at most ${limits.resultBytes} are allowed`);
  } catch (error) {
    return error instanceof WrongResult ? failed('wrong-result', error.message) : fromThrown(error);
  }
}

function failed(reason: Failed['reason'], message: string): Failed {
  return { kind: 'failed', reason, message };
}

function fromThrown(error: unknown): Failed {
  const isError = error instanceof Error;
  const message = isError ? `${error.name}: ${makeReadable(error)}` : `it threw ${String(error)}`;
  const [, line, column] = /main\.mjs:(\d+):(\d+)/.exec(isError ? String(error.stack) : '') ?? [];
  const isFull = /^RangeError: (?:Array buffer allocation failed|Failed to allocate memory)/.test(message);
  return {
    ...failed(isFull ? 'out-of-memory' : 'threw', message),
    ...(line !== undefined && { line: Number(line), column: Number(column) }),
  };
}

/** Node's own message says how its process would have to be started, and where the code is. */
function makeReadable({
  message,
  ...error
}: Error & { code?: string; permission?: string; resource?: string }): string {
  if (error.code !== 'ERR_ACCESS_DENIED') return message.replaceAll(`${directory}/`, '');
  return `code nodes may not do this (${[error.permission, error.resource].filter(Boolean).join(': ')})`;
}

function writeEnd(end: CodeEnd): never {
  const line = Buffer.from(`${token}${stringify(end)}\n`);
  for (let offset = 0; offset < line.length; ) {
    try {
      offset += writeSync(ANSWER_FD, line, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') exit(1);
    }
  }
  exit(0);
}

function readJob(): Omit<CodeJob, 'source'> & { token: string; directory: string; ownPorts: number[] } {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(64 * 1_024);
    const bytes = readSync(0, chunk);
    if (bytes === 0) exit(1);
    chunks.push(chunk.subarray(0, bytes));
    if (chunk[bytes - 1] === 0x0a) return JSON.parse(Buffer.concat(chunks).toString());
  }
}
