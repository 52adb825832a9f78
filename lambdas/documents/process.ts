// Reads documents, each in a process of its own: documents come from strangers, and libraries that read them may need
// any time and any memory. (A thread is not enough: a large array beyond its limit ends the whole process.)

import type { ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { killGroup, startBounded, waitForExit, watchBounds } from '../bounded-process.ts';
import { DOCUMENT_MEMORY_MB, DOCUMENT_SECONDS, MAX_PAYLOAD_BYTES } from '../core/limits.ts';
import type { DocumentJob, DocumentRead, Documents } from '../core/ports/runners.ts';

export interface DocumentOptions {
  /** Of the function's bundle, with `documents/child.mjs` in it; or of its sources. */
  folder: string;
  extension: string;
  bounds?: { memoryMb: number; timeoutMs: number };
}

const BOUNDS = { memoryMb: DOCUMENT_MEMORY_MB, timeoutMs: DOCUMENT_SECONDS * 1_000 };

export function makeDocuments({ folder, extension, bounds = BOUNDS }: DocumentOptions): Documents {
  // One at a time: the memory of the function is there once, and so, mostly, is its processor.
  let last: Promise<unknown> = Promise.resolve();
  // All that the process may read of the disk. The libraries of the sources are elsewhere.
  const readable = extension === '.ts' ? '*' : folder;
  const start = () =>
    startBounded({
      script: join(folder, 'documents', `child${extension}`),
      flags: ['--permission', '--no-experimental-sqlite', `--allow-fs-read=${readable}`],
      directory: tmpdir(),
      bounds,
      stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    });
  return {
    async read(job, signal) {
      const turn = last.then(() => (signal?.aborted ? ABORTED : readWith(start(), job, { bounds, signal })));
      last = turn.catch(() => {});
      return turn;
    },
  };
}

const failed = (message: string, retryable = false): DocumentRead => ({ kind: 'failed', message, retryable });
const ABORTED = failed('it was not waited for', true);

interface Reading {
  bounds: { memoryMb: number; timeoutMs: number };
  signal: AbortSignal | undefined;
}

async function readWith(child: ChildProcess, job: DocumentJob, { bounds, signal }: Reading): Promise<DocumentRead> {
  let stopped: DocumentRead | undefined;
  const stop = (end: DocumentRead) => {
    stopped ??= end;
    killGroup(child);
  };
  const onAbort = () => stop(ABORTED);
  signal?.addEventListener('abort', onAbort, { once: true });
  const unwatch = watchBounds(child, bounds, (reason) => stop(beyond(reason, bounds)));
  const answer = collect(child.stdio[3] as Readable, () => stop(failed('it contains more text than is allowed')));
  // The child may be gone before it has read the document.
  child.stdin?.on('error', () => {});
  child.stdin?.write(`${JSON.stringify({ ...job, bytes: undefined })}\n`);
  child.stdin?.end(job.bytes);
  try {
    const status = await waitForExit(child);
    return stopped ?? read(answer(), { status, bounds });
  } finally {
    unwatch();
    signal?.removeEventListener('abort', onAbort);
    killGroup(child);
  }
}

function beyond(reason: 'timed-out' | 'out-of-memory', { memoryMb, timeoutMs }: Reading['bounds']): DocumentRead {
  return reason === 'timed-out'
    ? failed(`reading it took longer than ${timeoutMs / 1_000} s`)
    : failed(`reading it took more than ${memoryMb} MB of memory`);
}

function collect(stream: Readable, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_PAYLOAD_BYTES) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}

/** Where V8 finds no more memory, it ends the process before anybody can watch. */
function read(answer: string, { status, bounds }: { status: string; bounds: Reading['bounds'] }): DocumentRead {
  if (status === 'exit status 0') return JSON.parse(answer) as DocumentRead;
  if (/SIGABRT|SIGTRAP|SIGSEGV|134/.test(status)) return beyond('out-of-memory', bounds);
  if (/SIGXCPU/.test(status)) return beyond('timed-out', bounds);
  return failed(`the process that read it ended with ${status}`, true);
}
