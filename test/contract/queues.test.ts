import { createHash } from 'node:crypto';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { describe, expect, test } from 'vitest';
import { makeQueues } from '../../lambdas/aws/queues.ts';
import { startHttpServer } from '../support/http-server.ts';
import { makeMemoryQueues } from '../support/memory-queues.ts';
import { describeQueues } from './queues.contract.ts';

const makeClient = (endpoint: string) =>
  new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });

async function startQueues() {
  const server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = makeClient(endpoint);
  const findUrl = (name: string) => {
    server.createQueue(name);
    return `${endpoint}/000000000000/${name}`;
  };
  const runsQueueUrl = findUrl('runs');
  const deliveriesQueueUrl = findUrl('deliveries');
  return {
    server,
    queues: makeQueues({ runsQueueUrl, deliveriesQueueUrl, client }),
    runs: () => receiveAll(client, runsQueueUrl),
    deliveries: () => receiveAll(client, deliveriesQueueUrl),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function receiveAll(client: SQSClient, QueueUrl: string): Promise<object[]> {
  const bodies: object[] = [];
  for (;;) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    if (Messages.length === 0) return bodies;
    bodies.push(...Messages.map(({ Body = '' }) => JSON.parse(Body) as object));
  }
}

describeQueues('memory', async () => {
  const queues = makeMemoryQueues();
  return {
    queues,
    runs: async () => queues.runs,
    deliveries: async () => queues.deliveries,
    [Symbol.asyncDispose]: async () => {},
  };
});

describeQueues('SQS', startQueues);

describe('a delayed message', () => {
  test('is not received before its time', async () => {
    await using it = await startQueues();
    await it.queues.enqueueDeliveries([{ run: 'r1', n: 1, tenant: 'acme', delaySeconds: 1 }]);
    expect(await it.deliveries()).toEqual([]);
    await expect.poll(it.deliveries, { timeout: 3_000 }).toEqual([{ run: 'r1', n: 1, tenant: 'acme' }]);
  });
});

interface Entry {
  Id: string;
  MessageBody: string;
  MessageGroupId: string;
  DelaySeconds: number;
}

/** An SQS that refuses the entry with this id this often, and keeps what it was sent. */
async function startRefusingSqs(refusals: number) {
  const batches: Entry[][] = [];
  const server = await startHttpServer((_request, response) => {
    const { Entries } = JSON.parse(server.received.at(-1)?.body ?? '{}') as { Entries: Entry[] };
    batches.push(Entries);
    const refuse = batches.length <= refusals;
    const Failed = Entries.filter(({ Id }) => refuse && Id === '1').map(({ Id }) => ({
      Id,
      Code: 'InternalError',
      SenderFault: false,
    }));
    const Successful = Entries.filter(({ Id }) => !refuse || Id !== '1').map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      // The client verifies what SQS has read.
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    }));
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ Successful, Failed }));
  });
  const queueUrl = `${server.origin}/000000000000/queue`;
  const queues = makeQueues({
    runsQueueUrl: queueUrl,
    deliveriesQueueUrl: queueUrl,
    client: makeClient(server.origin),
  });
  return { queues, batches, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const messages = ['a', 'b', 'c'].map((runId) => ({ runId, tenant: `tenant-${runId}` }));

describe('a message that SQS refuses within a batch', () => {
  test('is sent once more, alone', async () => {
    await using it = await startRefusingSqs(1);
    await it.queues.enqueueRuns(messages);
    expect(it.batches.map((batch) => batch.map(({ Id }) => Id))).toEqual([['0', '1', '2'], ['1']]);
  });

  test('twice is a fault that says how many and why', async () => {
    await using it = await startRefusingSqs(2);
    await expect(it.queues.enqueueRuns(messages)).rejects.toThrow('1 of 3 messages twice (InternalError)');
  });
});

test('a message goes to the group of its tenant and asks for a delay that SQS takes', async () => {
  await using it = await startRefusingSqs(0);
  await it.queues.enqueueDeliveries(
    [1.2, -5, 100_000].map((delaySeconds, n) => ({ run: 'r', n, tenant: `t${n}`, delaySeconds })),
  );
  expect(it.batches[0]).toMatchObject([
    { MessageGroupId: 't0', DelaySeconds: 2 },
    { MessageGroupId: 't1', DelaySeconds: 0 },
    { MessageGroupId: 't2', DelaySeconds: 900 },
  ]);
});
