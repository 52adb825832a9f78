// Counts what the functions and the pollers ask of SQS, S3 and Step Functions, where the runtime is in this process.
// No proxy is needed: Node reports every request that one of its servers has answered.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Endpoints } from '../../local/endpoints.ts';

export interface ServiceRequests extends Disposable {
  /** By service and operation, such as `SQS SendMessageBatch`; `S3 PUT`. */
  account: Map<string, number>;
}

const CHANNEL = 'http.server.response.finish';
// A request is billed once per 64 KB: https://aws.amazon.com/sqs/pricing/
const SQS_CHUNK_BYTES = 64 * 1_024;
// Headers and no message. Polls that find nothing are paid by the hour, not by the run.
const EMPTY_ANSWER_BYTES = 512;

export function countServiceRequests(endpoints: Endpoints): ServiceRequests {
  const account = new Map<string, number>();
  const queuesPort = parsePort(endpoints.queues);
  const machinesPort = parsePort(endpoints.machines);
  const answerBytes = makeMeter();
  const add = (line: string, count = 1) => account.set(line, (account.get(line) ?? 0) + count);

  const count = (message: unknown) => {
    const { request, socket } = message as { request: IncomingMessage; socket: Socket };
    const [service, operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.');
    if (socket.localPort === machinesPort) add(`Step Functions ${operation}`);
    if (socket.localPort !== queuesPort) return;
    const answered = answerBytes(socket);
    if (service !== 'AmazonSQS') add(`S3 ${request.method}`);
    // GetQueueAttributes is asked by the bench alone, to learn when the queues are empty.
    else if (operation === 'ReceiveMessage' && answered < EMPTY_ANSWER_BYTES) add('idle polls');
    else if (operation !== 'GetQueueAttributes') {
      const bytes = Math.max(Number(request.headers['content-length'] ?? 0), answered);
      add(`SQS ${operation}`, Math.ceil(bytes / SQS_CHUNK_BYTES));
    }
  };
  subscribe(CHANNEL, count);
  return { account, [Symbol.dispose]: () => void unsubscribe(CHANNEL, count) };
}

/** How much was written to a connection since it was asked before. */
function makeMeter(): (socket: Socket) => number {
  const before = new WeakMap<Socket, number>();
  return (socket) => {
    const written = socket.bytesWritten - (before.get(socket) ?? 0);
    before.set(socket, socket.bytesWritten);
    return written;
  };
}

const parsePort = (endpoint: string): number => Number(new URL(endpoint).port);
