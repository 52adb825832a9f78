// Plans in the catalog table, addressed by their digest, and the cache of them that every slice starts from.

import { type DynamoDBClient, GetItemCommand, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { Plan } from '../core/flow/plan.ts';
import { CACHED_PLANS } from '../core/limits.ts';
import { fromItem, toItem } from './dynamo.ts';
import { flowPk, PLAN } from './flow-items.ts';
import { type Packed, pack, unpack } from './packed-text.ts';

export interface Table {
  client: DynamoDBClient;
  table: string;
}

interface Address {
  tenant: string;
  name: string;
  digest: string;
}

export type Plans = ReturnType<typeof makePlans>;

export function makePlans({ client, table: TableName }: Table) {
  // Equal digests are equal plans, whosever they are, so one cache serves all.
  const cache = new Map<string, Plan>();
  return {
    /** The action of a transaction that stores the plan, for good: it may have been left to expire. */
    async put({ tenant, name, digest }: Address, plan: Plan): Promise<TransactWriteItem> {
      const key = { pk: flowPk(tenant, name), sk: PLAN + digest };
      return { Put: { TableName, Item: toItem({ ...key, plan: await pack(JSON.stringify(plan)) }) } };
    },

    async read({ tenant, name, digest }: Address): Promise<Plan | undefined> {
      const known = cache.get(digest);
      if (known !== undefined) return known;
      const Key = toItem({ pk: flowPk(tenant, name), sk: PLAN + digest });
      const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
      if (Item === undefined) return undefined;
      const plan = JSON.parse(await unpack(fromItem<{ plan: Packed }>(Item).plan)) as Plan;
      const [oldest] = cache.keys();
      if (cache.size >= CACHED_PLANS && oldest !== undefined) cache.delete(oldest);
      cache.set(digest, plan);
      return plan;
    },
  };
}
