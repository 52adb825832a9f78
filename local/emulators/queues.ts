// The SQS and S3 of this machine, in this process, and the template's queues and buckets in them.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { REGION } from '../aws-names.ts';
import type { QueueSpec } from '../blueprint/storage.ts';
import { startGuarded } from './guard.ts';
import { callWire } from './wire.ts';

export interface QueuesAndBuckets {
  endpoint: string;
  create(queues: QueueSpec[], buckets: string[]): Promise<void>;
  stop(): Promise<void>;
}

const LISTEN = 'tracing:net.server.listen:asyncStart';

/** `directory` keeps messages and objects; without it they end with the runtime. */
export async function startQueuesAndBuckets(directory: string | null): Promise<QueuesAndBuckets> {
  const { emulator, serve } = await startEmulator(directory);
  const { endpoint, stop } = await startGuarded(serve);
  return {
    endpoint,
    async create(queues, buckets) {
      for (const queue of queues) {
        // Creating a queue that was kept would empty it.
        if (emulator.inspectQueue(queue.name)) await setAttributes(endpoint, queue);
        else emulator.createQueue(queue.name, { attributes: queue.attributes });
      }
      for (const bucket of buckets) emulator.createBucket(bucket);
    },
    async stop() {
      await stop();
      await emulator.stop();
    },
  };
}

async function setAttributes(endpoint: string, { url, attributes }: QueueSpec): Promise<void> {
  await callWire(endpoint, 'AmazonSQS.SetQueueAttributes', { QueueUrl: url, Attributes: attributes });
}

/** The emulator would listen on every address and ask nobody who they are: its port is closed, `serve` is the way in. */
async function startEmulator(directory: string | null) {
  const servers: Server[] = [];
  const collect = (message: unknown) => void servers.push((message as { server: Server }).server);
  subscribe(LISTEN, collect);
  const emulator: FauxqsServer = await startFauxqs({
    port: 0,
    logger: false,
    defaultRegion: REGION,
    host: '127.0.0.1',
    ...(directory ? { dataDir: directory } : {}),
  }).finally(() => unsubscribe(LISTEN, collect));
  const server = servers.find((started) => (started.address() as AddressInfo | null)?.port === emulator.port);
  if (!server) throw new Error('The local SQS and S3 cannot be closed to others');
  await new Promise((resolve) => server.close(resolve));
  const serve = (...call: unknown[]) => void server.emit('request', ...call);
  return { emulator, serve };
}
