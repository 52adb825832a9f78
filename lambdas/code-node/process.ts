// The process of one call, its answer and what it prints. What its end means is decided in end.ts.

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { killGroup, startBounded, waitForExit, watchBounds } from '../bounded-process.ts';
import type { CodeJob } from '../core/ports/runners.ts';

export interface ChildExit {
  /** The line in which the child reports the result, without its token. */
  answer?: string;
  /** Why it was stopped from here. */
  stopped?: 'timed-out' | 'out-of-memory' | 'printed-too-much' | 'answered-too-much';
  /** `exit status 3`, `signal SIGKILL`. */
  status: string;
  /** The end of what it printed. */
  printed: string;
}

const PRINTED_KEPT_CHARS = 4_096;
// Beside the result an answer contains a token and a few words.
const ANSWER_EXTRA_BYTES = 16 * 1_024;
const CHILD = join(import.meta.dirname, `child${extname(import.meta.filename)}`);

export async function runChild(job: CodeJob, directory: string): Promise<ChildExit> {
  const token = randomBytes(16).toString('hex');
  const child = start(job, directory);
  const exit: ChildExit = { status: 'not started', printed: '' };
  const end = () => killGroup(child);
  const stop = (reason: NonNullable<ChildExit['stopped']>) => {
    exit.stopped ??= reason;
    end();
  };
  const unwatch = watchBounds(child, job.limits, stop);
  collectPrinted(child, job, { exit, stop });
  collectAnswer(
    child.stdio[3] as Readable,
    { token, maxBytes: job.limits.resultBytes + ANSWER_EXTRA_BYTES },
    (answer) => {
      if (answer === undefined) return stop('answered-too-much');
      exit.answer ??= answer;
      end();
    },
  );
  // The child may be gone before it has read its job.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify({ ...job, source: undefined, token, directory, ownPorts: readOwnPorts() })}\n`);
  try {
    exit.status = await waitForExit(child);
    return exit;
  } finally {
    unwatch();
    end();
  }
}

/** On one machine, the ports that the platform keeps to itself; on Lambda there is nothing to reach. */
function readOwnPorts(): number[] {
  // biome-ignore lint/style/noProcessEnv: it says where this function runs, and is handed on as a list of numbers
  const ports = process.env['ERRAND_OWN_PORTS'];
  return ports ? ports.split(',').map(Number) : [];
}

function start({ limits }: CodeJob, directory: string): ChildProcess {
  return startBounded({
    script: CHILD,
    flags: [
      // Files beside its own, other processes, threads, add-ons: https://nodejs.org/api/permissions.html
      '--permission',
      // It opens files past the permission model.
      '--no-experimental-sqlite',
      `--allow-fs-read=${import.meta.dirname}`,
      `--allow-fs-read=${directory}`,
      `--allow-fs-write=${directory}`,
    ],
    directory,
    bounds: limits,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
}

function collectPrinted(
  child: ChildProcess,
  { limits }: CodeJob,
  { exit, stop }: { exit: ChildExit; stop(reason: 'printed-too-much'): void },
): void {
  let bytes = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      bytes += Buffer.byteLength(text);
      exit.printed = (exit.printed + text).slice(-PRINTED_KEPT_CHARS);
      if (bytes > limits.printedBytes) stop('printed-too-much');
    });
  }
}

/** Lines without the token are not the child's: the code may have found the descriptor, but not what to write. */
function collectAnswer(
  stream: Readable,
  { token, maxBytes }: { token: string; maxBytes: number },
  onAnswer: (answer: string | undefined) => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) return onAnswer(undefined);
    if (!chunk.includes(0x0a)) return;
    const lines = Buffer.concat(chunks).toString().split('\n');
    chunks = [Buffer.from(lines.pop() ?? '')];
    const answer = lines.find((line) => line.startsWith(token));
    if (answer !== undefined) onAnswer(answer.slice(token.length));
  });
}
