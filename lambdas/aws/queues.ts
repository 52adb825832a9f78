// The queues of runs and deliveries on SQS. A message holds ids; what is to be done belongs to the functions that receive it.

import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { QUEUE_BATCH_MESSAGES, QUEUE_DELAY_MAX_SECONDS } from '../core/limits.ts';
import type { Queues } from '../core/ports/runs.ts';

interface Message {
  tenant: string;
  body: Record<string, string | number>;
  delaySeconds: number | undefined;
}

export function makeQueues(options: { runsQueueUrl: string; deliveriesQueueUrl: string; client?: SQSClient }): Queues {
  const client = options.client ?? new SQSClient({ maxAttempts: 3 });

  async function enqueue(queueUrl: string, messages: Message[]): Promise<void> {
    const entries = messages.map(toEntry);
    const batches: SendMessageBatchRequestEntry[][] = [];
    for (let at = 0; at < entries.length; at += QUEUE_BATCH_MESSAGES) {
      batches.push(entries.slice(at, at + QUEUE_BATCH_MESSAGES));
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
    enqueueRuns: (messages) =>
      enqueue(
        options.runsQueueUrl,
        messages.map(({ runId, tenant, delaySeconds }) => ({ tenant, body: { runId, tenant }, delaySeconds })),
      ),
    enqueueDeliveries: (messages) =>
      enqueue(
        options.deliveriesQueueUrl,
        messages.map(({ run, n, tenant, delaySeconds }) => ({ tenant, body: { run, n, tenant }, delaySeconds })),
      ),
  };
}

// MessageGroupId on a standard queue makes it fair among tenants; it orders and blocks nothing.
function toEntry({ tenant, body, delaySeconds = 0 }: Message, index: number): SendMessageBatchRequestEntry {
  return {
    Id: String(index),
    MessageBody: JSON.stringify(body),
    MessageGroupId: tenant,
    DelaySeconds: Math.min(Math.max(Math.ceil(delaySeconds), 0), QUEUE_DELAY_MAX_SECONDS),
  };
}
