// The platform as `npm start` runs it, in a process that is killed again and again and started anew on what it left.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, makeApiClient, publishFlow } from '../support/api-client.ts';
import { type RuntimeProcess, spawnRuntime } from '../support/runtime.ts';

const RESTART_LEAST_MS = 15_000;
const RESTART_MOST_MS = 45_000;
const CALL_TIMEOUT_MS = 60_000;
const RETRY_MS = 500;

export interface KillablePlatform extends AsyncDisposable {
  stateDir: string;
  restarts: number;
  /** Calls that got no answer, or 5xx, and were made again. */
  repeated: number;
  /** Until an answer comes, however often the platform dies. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Kills and restarts at random moments until the signal is aborted. */
  killAtRandom(signal: AbortSignal): Promise<void>;
  /** Removes the state; without this it is kept for whoever wants to know. */
  removeState(): Promise<void>;
}

/** `flows` are sources by name. */
export async function startKillablePlatform(flows: Record<string, string>): Promise<KillablePlatform> {
  const stateDir = await mkdtemp(join(tmpdir(), 'errand-soak-'));
  let child: RuntimeProcess = await spawnRuntime({ stateDir });
  const api = makeApiClient(child.baseUrl, child.key);
  for (const [name, source] of Object.entries(flows)) await publishFlow(api, name, source);

  async function once(method: string, path: string, body: unknown, headers?: Record<string, string>) {
    const { baseUrl, key } = child;
    const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
    const late = new Promise<never>((_, reject) => timeout.addEventListener('abort', () => reject(timeout.reason)));
    return Promise.race([makeApiClient(baseUrl, key).call(method, path, body, headers), late]);
  }

  const platform: KillablePlatform = {
    stateDir,
    restarts: 0,
    repeated: 0,
    async call(method, path, body, headers) {
      for (;;) {
        const answer = await once(method, path, body, headers).catch(() => undefined);
        if (answer && answer.status < 500 && answer.status !== 429) return answer;
        platform.repeated += 1;
        await sleep(RETRY_MS);
      }
    },
    async killAtRandom(signal) {
      while (!signal.aborted) {
        const inMs = RESTART_LEAST_MS + Math.random() * (RESTART_MOST_MS - RESTART_LEAST_MS);
        await sleep(inMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        await child.kill();
        child = await spawnRuntime({ stateDir });
        platform.restarts += 1;
      }
    },
    removeState: () => rm(stateDir, { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => child.kill(),
  };
  return platform;
}
