// Signs a message as Standard Webhooks 1.0 says: https://github.com/standard-webhooks/standard-webhooks

import { createHmac } from 'node:crypto';

export const SECRET_PREFIX = 'whsec_';

export interface SignedHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/** The same for every attempt, so that a receiver can drop what it has seen. */
export function buildMessageId(runId: string, n: number): string {
  return `msg_${runId}_${n}`;
}

/** One signature per secret: while a secret is being rotated, a receiver may know either. `at` is epoch milliseconds. */
export function signHeaders(
  message: { id: string; at: number; body: string },
  secrets: readonly string[],
): SignedHeaders {
  const timestamp = String(Math.floor(message.at / 1_000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => `v1,${sign(secret, content)}`).join(' '),
  };
}

function sign(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  return createHmac('sha256', key).update(content).digest('base64');
}
