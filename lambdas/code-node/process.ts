// The process of one call: started with nothing of this one's environment, watched, and killed with all it has started.
// What its end means is told by end.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { CodeJob } from '../core/ports.ts';

export interface ChildExit {
  /** The line in which the child tells the end, without its token. */
  answer?: string;
  /** Why it was ended from here. */
  stopped?: 'timed-out' | 'out-of-memory' | 'printed-too-much' | 'answered-too-much';
  /** `exit status 3`, `signal SIGKILL`. */
  status: string;
  /** The end of what it printed. */
  printed: string;
}

const PRINTED_KEPT_CHARS = 4_096;
// Beside the result an answer holds a token and a few words.
const ANSWER_EXTRA_BYTES = 16 * 1_024;
const WATCH_MS = 25;
// V8 reserves 512 MB for code and some for its threads, which the limit counts though nothing is there.
const RESERVED_MB = 768;
// What Node takes beside the heap.
const OWN_MB = 64;
const FILE_KB = 64 * 1_024;
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
  const timer = setTimeout(() => stop('timed-out'), job.limits.timeoutMs);
  const watch = setInterval(() => {
    if (residentMb(child.pid) > job.limits.memoryMb) stop('out-of-memory');
  }, WATCH_MS);
  hearPrinted(child, job, { exit, stop });
  hearAnswer(child.stdio[3] as Readable, { token, maxBytes: job.limits.resultBytes + ANSWER_EXTRA_BYTES }, (answer) => {
    if (answer === undefined) return stop('answered-too-much');
    exit.answer ??= answer;
    end();
  });
  // The child may be gone before it has read its job.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify({ ...job, source: undefined, token, directory })}\n`);
  try {
    exit.status = await closed(child);
    return exit;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    end();
  }
}

function start({ limits }: CodeJob, directory: string): ChildProcess {
  const flags = [
    // Files beside its own, other processes, threads, add-ons: https://nodejs.org/api/permissions.html
    '--permission',
    // It opens files past the permission model.
    '--no-experimental-sqlite',
    `--allow-fs-read=${import.meta.dirname}`,
    `--allow-fs-read=${directory}`,
    `--allow-fs-write=${directory}`,
    `--max-old-space-size=${limits.memoryMb - OWN_MB}`,
    '--no-warnings',
  ];
  // A process that outlives this one (it was killed, too) must not run for ever.
  const cpuSeconds = 2 * Math.ceil(limits.timeoutMs / 1_000) + 5;
  const dataKb = (limits.memoryMb + RESERVED_MB) * 1_024;
  const bounds = `ulimit -c 0; ulimit -t ${cpuSeconds}; ulimit -f ${FILE_KB}; ulimit -d ${dataKb}`;
  return spawn('/bin/sh', ['-c', `${bounds}; exec "$0" "$@"`, process.execPath, ...flags, CHILD], {
    cwd: directory,
    env: environment(directory),
    // A group of its own, to be killed as a whole.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
}

function environment(directory: string): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: where Lambda's own Node finds its libraries; nothing else is passed on
  const libraries = process.env['LD_LIBRARY_PATH'];
  return {
    PATH: '/usr/bin:/bin',
    HOME: directory,
    TMPDIR: directory,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    ...(libraries !== undefined && { LD_LIBRARY_PATH: libraries }),
  };
}

function hearPrinted(
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
function hearAnswer(
  stream: Readable,
  { token, maxBytes }: { token: string; maxBytes: number },
  hear: (answer: string | undefined) => void,
): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) return hear(undefined);
    if (!chunk.includes(0x0a)) return;
    const lines = Buffer.concat(chunks).toString().split('\n');
    chunks = [Buffer.from(lines.pop() ?? '')];
    const answer = lines.find((line) => line.startsWith(token));
    if (answer !== undefined) hear(answer.slice(token.length));
  });
}

function closed(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code}` : `signal ${signal}`));
  });
}

function killGroup({ pid, stdin }: ChildProcess): void {
  (stdin as Writable | null)?.destroy();
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

/** 0 where the system does not tell. */
function residentMb(pid: number | undefined): number {
  try {
    const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return Number(kb ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
