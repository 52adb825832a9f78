// The SQS and S3 of this machine, in this process, and the template's queues and buckets in them.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { startFauxqs } from 'fauxqs';
import { REGION } from '../aws-names.ts';
import type { QueueSpec } from '../blueprint/storage.ts';
import { callWire } from './wire.ts';

export interface QueuesAndBuckets {
  endpoint: string;
  create(queues: QueueSpec[], buckets: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** `directory` keeps messages and objects; without it they end with the runtime. */
export async function startQueuesAndBuckets(directory: string | null): Promise<QueuesAndBuckets> {
  const server = await startFauxqs({
    port: 0,
    logger: false,
    defaultRegion: REGION,
    host: '127.0.0.1',
    ...(directory ? { dataDir: directory } : {}),
  });
  const stopGuarding = closeToOthers(server.port);
  const endpoint = `http://127.0.0.1:${server.port}`;
  return {
    endpoint,
    async create(queues, buckets) {
      for (const queue of queues) {
        // Creating a queue that was kept would empty it.
        if (server.inspectQueue(queue.name)) await setAttributes(endpoint, queue);
        else server.createQueue(queue.name, { attributes: queue.attributes });
      }
      for (const bucket of buckets) server.createBucket(bucket);
    },
    async stop() {
      await server.stop();
      stopGuarding();
    },
  };
}

async function setAttributes(endpoint: string, { url, attributes }: QueueSpec): Promise<void> {
  await callWire(endpoint, 'AmazonSQS.SetQueueAttributes', { QueueUrl: url, Attributes: attributes });
}

// The emulator listens on every address and asks nobody who they are: connections from other machines are cut.
function closeToOthers(port: number): () => void {
  const guard = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort === port && !isLoopback(socket.remoteAddress)) socket.destroy();
  };
  subscribe('net.server.socket', guard);
  return () => unsubscribe('net.server.socket', guard);
}

function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}
