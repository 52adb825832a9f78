// The deliveries of runs on DynamoDB: one item each, attempts inline, headers sealed.

import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { UNPICKED_SECONDS } from '../core/limits.ts';
import type { RunStore } from '../core/ports/runs.ts';
import type { Delivery, DeliveryAttempt, DeliveryStatus, Run, Webhook } from '../core/run.ts';
import { fromItem, type Item, isConditionFailed, toItem } from './dynamo.ts';
import * as keys from './run-keys.ts';
import type { RunTable } from './run-record.ts';
import { type Change, update } from './update.ts';

interface DeliveryItem {
  runId: string;
  /** Not `tenantKey`: with it the delivery would stand in the list of runs. */
  tenant: string;
  n: number;
  url: string;
  method: Webhook['method'];
  /** JSON of the headers, encrypted. */
  sealedHeaders?: string;
  status: DeliveryStatus;
  attempts: DeliveryAttempt[];
  /** Length of `attempts`, so that a condition can compare it. */
  tries: number;
  nextAt?: number;
  /** `deferredAt`: the name under which deliveries were stored before. */
  putOffAt?: number;
}

type DeliveryMoves = Pick<
  RunStore,
  'delivery' | 'recordAttempt' | 'reopenDelivery' | 'postponeDelivery' | 'deferDelivery'
>;

export function makeDeliveryStore({ client, table, keyring }: RunTable) {
  const context = (run: { id: string; tenant: string }) => `webhook/${run.tenant}/${run.id}`;
  const deliveryKey = (run: string, n: number) => toItem({ pk: keys.runPk(run), sk: keys.deliverySk(n) });

  /** False when the condition did not hold. */
  async function change(delivery: Delivery, by: Change): Promise<boolean> {
    try {
      const Key = deliveryKey(delivery.run, delivery.n);
      await client.send(new UpdateItemCommand({ TableName: table, Key, ...update(by) }));
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  const due = (delivery: Delivery, dueAt: number) => ({ dueAt, dueShard: keys.dueShard(delivery.run) });

  async function open(item: Item): Promise<Delivery> {
    const it = fromItem<DeliveryItem>(item);
    const headers = it.sealedHeaders
      ? JSON.parse(await keyring.open(it.sealedHeaders, context({ id: it.runId, tenant: it.tenant })))
      : undefined;
    return {
      run: it.runId,
      tenant: it.tenant,
      n: it.n,
      url: it.url,
      method: it.method,
      status: it.status,
      attempts: it.attempts,
      ...(headers && { headers }),
      nextAt: it.nextAt,
      deferredAt: it.putOffAt,
    };
  }

  async function seal(delivery: Delivery): Promise<Item> {
    const { run, headers, deferredAt, ...rest } = delivery;
    const sealedHeaders =
      headers && (await keyring.seal(JSON.stringify(headers), context({ id: run, tenant: rest.tenant })));
    return toItem({
      ...rest,
      pk: keys.runPk(run),
      sk: keys.deliverySk(delivery.n),
      runId: run,
      tries: delivery.attempts.length,
      ttl: keys.expiry(delivery.nextAt ?? 0),
      // The queue message is sent at once; the due index is only the guarantee behind it.
      ...due(delivery, (delivery.nextAt ?? 0) + UNPICKED_SECONDS * 1_000),
      ...(sealedHeaders && { sealedHeaders }),
      putOffAt: deferredAt,
    });
  }

  const moves: DeliveryMoves = {
    async delivery(run, n) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: table, Key: deliveryKey(run, n), ConsistentRead: true }),
      );
      return Item && open(Item);
    },

    recordAttempt: (delivery, attempt, next) =>
      change(delivery, {
        set: {
          status: next.status,
          attempts: [...delivery.attempts, attempt],
          nextAt: next.nextAt,
          ...(next.dueAt !== undefined && due(delivery, next.dueAt)),
        },
        add: { tries: 1 },
        remove: [
          'putOffAt',
          ...(next.nextAt === undefined ? ['nextAt'] : []),
          ...(next.dueAt === undefined ? ['dueAt', 'dueShard'] : []),
        ],
        when: 'tries = :tries',
        values: { ':tries': delivery.attempts.length },
      }),

    async reopenDelivery(delivery, now) {
      await change(delivery, {
        set: { status: 'pending', nextAt: now, ...due(delivery, now + UNPICKED_SECONDS * 1_000) },
        when: 'attribute_exists(pk)',
        values: {},
      });
    },

    async postponeDelivery(delivery, dueAt) {
      await change(delivery, {
        set: due(delivery, dueAt),
        when: '#status = :pending AND tries = :tries',
        values: { ':pending': 'pending', ':tries': delivery.attempts.length },
      });
    },

    deferDelivery: (delivery, { nextAt, dueAt, deferredAt }) =>
      change(delivery, {
        set: { nextAt, putOffAt: deferredAt, ...due(delivery, dueAt) },
        when: '#status = :pending AND tries = :tries AND nextAt = :was',
        values: { ':pending': 'pending', ':tries': delivery.attempts.length, ':was': delivery.nextAt ?? 0 },
      }),
  };

  return {
    moves,
    open,
    seal,
    /** What the run keeps of its webhooks until it settles. */
    async sealWebhooks(run: Run, webhooks: Webhook[]): Promise<{ webhooks?: string }> {
      if (webhooks.length === 0) return {};
      return { webhooks: await keyring.seal(JSON.stringify(webhooks), context(run)) };
    },
    async openWebhooks(run: Run, inputs: Item): Promise<Webhook[]> {
      const sealed = fromItem<{ webhooks?: string }>(inputs).webhooks;
      return sealed ? (JSON.parse(await keyring.open(sealed, context(run))) as Webhook[]) : [];
    },
  };
}
