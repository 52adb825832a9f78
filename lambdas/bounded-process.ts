// A Node process that is started with nothing of this one's environment, has bounds of its own, and is killed with all
// that it has started. What it does, and what its end means, its caller decides.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';

export interface Bounds {
  /** Of the whole process. */
  memoryMb: number;
  timeoutMs: number;
}

export interface BoundedProcess {
  script: string;
  /** For Node, beside the bounds. */
  flags: readonly string[];
  /** Its home, and where it starts. */
  directory: string;
  bounds: Bounds;
  stdio: SpawnOptions['stdio'];
}

const WATCH_MS = 25;
// V8 reserves 512 MB for code and some for its threads, which the limit counts though nothing is there.
const RESERVED_MB = 768;
// What Node takes beside the heap.
const OWN_MB = 64;
const FILE_KB = 64 * 1_024;

/** The caller kills it: at its timeout (watchBounds), and when it is done. */
export function startBounded({ script, flags, directory, bounds, stdio }: BoundedProcess): ChildProcess {
  const all = [...flags, `--max-old-space-size=${bounds.memoryMb - OWN_MB}`, '--no-warnings'];
  // A process that outlives this one (which may be killed, too) must not run for ever.
  const cpuSeconds = 2 * Math.ceil(bounds.timeoutMs / 1_000) + 5;
  const dataKb = (bounds.memoryMb + RESERVED_MB) * 1_024;
  const limits = `ulimit -c 0; ulimit -t ${cpuSeconds}; ulimit -f ${FILE_KB}; ulimit -d ${dataKb}`;
  return spawn('/bin/sh', ['-c', `${limits}; exec "$0" "$@"`, process.execPath, ...all, script], {
    cwd: directory,
    env: makeEnvironment(directory),
    // A group of its own, to be killed as a whole.
    detached: true,
    stdio,
  });
}

/** Calls `onExceeded` when the process exceeds its bounds; returns a function that ends the watch. */
export function watchBounds(
  child: ChildProcess,
  { memoryMb, timeoutMs }: Bounds,
  onExceeded: (reason: 'timed-out' | 'out-of-memory') => void,
): () => void {
  const timer = setTimeout(() => onExceeded('timed-out'), timeoutMs);
  const watch = setInterval(() => {
    if (residentMb(child.pid) > memoryMb) onExceeded('out-of-memory');
  }, WATCH_MS);
  return () => {
    clearTimeout(timer);
    clearInterval(watch);
  };
}

export function killGroup({ pid, stdin }: ChildProcess): void {
  (stdin as Writable | null)?.destroy();
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing is left of it.
  }
}

/** `exit status 3`, `signal SIGKILL`. */
export function waitForExit(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code}` : `signal ${signal}`));
  });
}

function makeEnvironment(directory: string): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: where Lambda's own Node finds its libraries; nothing else is passed on
  const libraries = process.env['LD_LIBRARY_PATH'];
  return {
    PATH: '/usr/bin:/bin',
    HOME: directory,
    TMPDIR: directory,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    LD_LIBRARY_PATH: libraries,
  };
}

/** 0 where the system does not report it. */
function residentMb(pid: number | undefined): number {
  try {
    const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return Number(kb ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
