// The platform as `npm start` runs it, in a process of its own, with the bench's flow published.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, makeApiClient, publishFlow } from '../support/api-client.ts';
import { spawnRuntime } from '../support/runtime.ts';
import { FLOW } from './drive.ts';
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export interface BenchPlatform extends AsyncDisposable {
  api: ApiClient;
  receiver: WebhookReceiver;
}

export async function startPlatform(): Promise<BenchPlatform> {
  await using starting = new AsyncDisposableStack();
  const stateDir = await mkdtemp(join(tmpdir(), 'errand-bench-'));
  starting.defer(() => rm(stateDir, { recursive: true, force: true }));
  const { baseUrl, key } = starting.use(await spawnRuntime({ stateDir }));
  const receiver = starting.use(await startWebhookReceiver());
  const api = makeApiClient(baseUrl, key);
  await publishThreeNodes(api);
  const running = starting.move();
  return { api, receiver, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

export async function publishThreeNodes(api: ApiClient): Promise<void> {
  await publishFlow(api, FLOW, await readFile(join(import.meta.dirname, `${FLOW}.yaml`), 'utf8'));
}
