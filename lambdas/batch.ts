// An SQS batch: every message on its own, and only those that failed are retried.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html

import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { Log } from './core/ports/ports.ts';

export async function batch<Message>(
  { Records }: SQSEvent,
  log: Log,
  handle: (message: Message) => Promise<unknown>,
): Promise<SQSBatchResponse> {
  const failures = await Promise.all(
    Records.map(async ({ messageId, body }) => {
      try {
        await handle(JSON.parse(body) as Message);
        return [];
      } catch (error) {
        log.error('a message failed and will be retried', { messageId, error });
        // The function itself succeeds, so its errors stay 0.
        log.metric('MessageFailed');
        return [{ itemIdentifier: messageId }];
      }
    }),
  );
  return { batchItemFailures: failures.flat() };
}
