// Makes calls for the sections: a few at a time, each after the one before it.

import type { ApiClient } from '../support/api-client.ts';
import type { WebhookReceiver } from './webhook-receiver.ts';

export const FLOW = 'three-nodes';

/** Makes `count` calls, `width` at once; answers what each gave, in order. */
export async function times<Value>(
  { count, width }: { count: number; width: number },
  make: (index: number) => Promise<Value>,
): Promise<Value[]> {
  const made = new Array<Value>(count);
  let next = 0;
  async function lane(): Promise<void> {
    for (let index = next++; index < count; index = next++) made[index] = await make(index);
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return made;
}

export interface Accepted {
  acceptedMs: number;
  delivered: ReturnType<WebhookReceiver['waitForAll']>;
}

/** An asynchronous run with two webhooks, accepted. */
export async function submitAsync(
  { api, receiver }: { api: ApiClient; receiver: WebhookReceiver },
  name: string,
): Promise<Accepted> {
  const webhooks = receiver.makeAddresses(name).map((url) => ({ url }));
  const delivered = receiver.waitForAll(name);
  const { status, body } = await api.call('POST', `/v1/flows/${FLOW}/runs`, {
    inputs: { name },
    mode: 'async',
    webhooks,
  });
  if (status !== 202) throw new Error(`A run was not accepted: ${status} ${JSON.stringify(body)}`);
  return { acceptedMs: performance.now(), delivered };
}
