// Rings the doorbells: messages of ids on SQS. What a ring means belongs to the functions that are woken by it.

import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { QUEUE_DELAY_MAX_SECONDS } from '../core/limits.ts';
import type { Queues } from '../core/ports/runs.ts';

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
const MAX_BATCH_ENTRIES = 10;

interface Ring {
  tenant: string;
  body: Record<string, string | number>;
  delaySeconds: number | undefined;
}

export function makeQueues(options: { runsQueueUrl: string; deliveriesQueueUrl: string; client?: SQSClient }): Queues {
  const client = options.client ?? new SQSClient({ maxAttempts: 3 });

  async function ring(queueUrl: string, rings: Ring[]): Promise<void> {
    const entries = rings.map(toEntry);
    const batches: SendMessageBatchRequestEntry[][] = [];
    for (let at = 0; at < entries.length; at += MAX_BATCH_ENTRIES) {
      batches.push(entries.slice(at, at + MAX_BATCH_ENTRIES));
    }
    await Promise.all(batches.map((batch) => sendBatch(queueUrl, batch)));
  }

  // The call answers 200 even where single messages were refused.
  async function sendBatch(queueUrl: string, batch: SendMessageBatchRequestEntry[]): Promise<void> {
    const refused = new Set((await send(queueUrl, batch)).map((it) => it.Id));
    if (refused.size === 0) return;
    const again = batch.filter((entry) => refused.has(entry.Id));
    const still = await send(queueUrl, again);
    if (still.length === 0) return;
    const codes = [...new Set(still.map((it) => it.Code ?? 'unknown'))].join(', ');
    throw new Error(`SQS refused ${still.length} of ${batch.length} messages twice (${codes})`);
  }

  async function send(queueUrl: string, entries: SendMessageBatchRequestEntry[]) {
    const { Failed } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
    return Failed ?? [];
  }

  return {
    enqueueRuns: (rings) =>
      ring(
        options.runsQueueUrl,
        rings.map(({ runId, tenant, delaySeconds }) => ({ tenant, body: { runId, tenant }, delaySeconds })),
      ),
    enqueueDeliveries: (rings) =>
      ring(
        options.deliveriesQueueUrl,
        rings.map(({ run, n, tenant, delaySeconds }) => ({ tenant, body: { run, n, tenant }, delaySeconds })),
      ),
  };
}

// MessageGroupId on a standard queue makes it fair among tenants; it orders and blocks nothing.
function toEntry({ tenant, body, delaySeconds = 0 }: Ring, index: number): SendMessageBatchRequestEntry {
  return {
    Id: String(index),
    MessageBody: JSON.stringify(body),
    MessageGroupId: tenant,
    DelaySeconds: Math.min(Math.max(Math.ceil(delaySeconds), 0), QUEUE_DELAY_MAX_SECONDS),
  };
}
