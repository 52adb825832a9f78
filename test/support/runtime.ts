// Starts the local runtime for tests: on a free port, with state of its own, from an assembly that is synthesized once.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Runtime, type RuntimeOptions, startRuntime } from '../../local/runtime.ts';
import { ROOT, synthesize } from '../../local/synthesis.ts';

/** A stack with one of everything, for proving the runtime apart from the platform. */
export function synthesizeFixture(): Promise<string> {
  return synthesize({ app: 'test/fixtures/local-app/app.ts', sources: ['test/fixtures/local-app'], context: {} });
}

/** The platform in this process; without `stateDir` it keeps nothing. */
export async function startTestRuntime(options: Partial<RuntimeOptions> = {}): Promise<Runtime & AsyncDisposable> {
  const runtime = await startRuntime({ port: 0, stateDir: null, ...options });
  return { ...runtime, [Symbol.asyncDispose]: () => runtime.kill() };
}

export interface RuntimeProcess extends AsyncDisposable {
  baseUrl: string;
  /** The demo key; empty where the assembly is not the platform. */
  key: string;
  /** SIGKILL: nothing is said or saved. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** The fixture's stack in a process that can be killed. */
export async function spawnFixture(stateDir: string): Promise<RuntimeProcess> {
  const environment = { FIXTURE_ASSEMBLY: await synthesizeFixture() };
  return spawnRuntime({ stateDir, environment, script: 'test/fixtures/local-app/serve.ts' });
}

/** The platform as `npm start` runs it, in a process that can be killed. */
export async function spawnRuntime(options: {
  stateDir: string;
  environment?: Record<string, string>;
  script?: string;
}): Promise<RuntimeProcess> {
  const child = spawn(process.execPath, [join(ROOT, options.script ?? 'local/start.ts')], {
    env: { ...process.env, NODE_OPTIONS: '', PORT: '0', ERRAND_STATE_DIR: options.stateDir, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ready = await readiness(child);
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  const kill = async () => void (await end('SIGKILL'));
  return { ...ready, kill, stop: () => end('SIGTERM'), [Symbol.asyncDispose]: kill };
}

function readiness(child: ChildProcess): Promise<{ baseUrl: string; key: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as { baseUrl: string; key: string }));
    child.once('exit', (code) => reject(new Error(`The runtime ended with ${code} before it was ready:\n${output}`)));
  });
}
