// Flows in the catalog table. What a draft or a version may be belongs to the core, how items look to flow-items.ts.

import {
  DeleteItemCommand,
  GetItemCommand,
  paginateQuery,
  QueryCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { RETENTION_DAYS } from '../core/limits.ts';
import type { FlowStore, StoredFlow } from '../core/ports/catalog.ts';
import {
  decodeCursor,
  encodeCursor,
  fromCursor,
  fromItem,
  type Item,
  isConditionFailed,
  retryConflicts,
  toItem,
} from './dynamo.ts';
import {
  DRAFT,
  type DraftItem,
  FLOW,
  type FlowItem,
  flowPk,
  PLAN,
  summaryKey,
  tenantPk,
  toSummary,
  toVersion,
  VERSION,
  type VersionItem,
  versionSk,
} from './flow-items.ts';
import { makePlans, type Plans, type Table } from './flow-plans.ts';
import { pack, unpack } from './packed-text.ts';

const DAY_SECONDS = 24 * 60 * 60;

export function makeFlowStore(at: Table): FlowStore {
  const plans = makePlans(at);
  return {
    ...summaryMoves(at),
    ...draftMoves(at, plans),
    ...versionMoves(at, plans),
    plan: (tenant, name, digest) => plans.read({ tenant, name, digest }),
    ...removal(at),
  };
}

function summaryMoves(at: Table): Pick<FlowStore, 'get' | 'list' | 'setEnabled'> {
  return {
    async get(tenant, name) {
      const item = await get<FlowItem>(at, summaryKey(tenant, name));
      return item && toSummary(item);
    },

    async list(tenant, { limit, cursor }) {
      const query = new QueryCommand({
        TableName: at.table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :flow)',
        ExpressionAttributeValues: toItem({ ':pk': tenantPk(tenant), ':flow': FLOW }),
        ExclusiveStartKey: decodeCursor(cursor, { pk: tenantPk(tenant) }),
        Limit: limit,
      });
      const page = await fromCursor(cursor, () => at.client.send(query));
      const flows = (page.Items ?? []).map((item) => toSummary(fromItem<FlowItem>(item)));
      return { flows, next: encodeCursor(page.LastEvaluatedKey) };
    },

    async setEnabled(tenant, name, enabled, now) {
      try {
        const { Attributes = {} } = await at.client.send(
          new UpdateItemCommand({
            TableName: at.table,
            Key: summaryKey(tenant, name),
            UpdateExpression: 'SET enabled = :enabled, updatedAt = :now',
            ConditionExpression: 'attribute_exists(pk)',
            ExpressionAttributeValues: toItem({ ':enabled': enabled, ':now': now }),
            ReturnValues: 'ALL_NEW',
          }),
        );
        return toSummary(fromItem<FlowItem>(Attributes));
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        throw error;
      }
    },
  };
}

function draftMoves(at: Table, plans: Plans): Pick<FlowStore, 'draft' | 'putDraft'> {
  return {
    async draft(tenant, name) {
      const item = await get<DraftItem>(at, toItem({ pk: flowPk(tenant, name), sk: DRAFT }));
      if (item === undefined) return undefined;
      const { etag, compiled, granted } = item;
      const plan = compiled.digest && (await plans.read({ tenant, name, digest: compiled.digest }));
      return { etag, source: await unpack(item.source), compiled: { ...compiled, ...(plan && { plan }) }, granted };
    },

    async putDraft({ tenant, name, source, etag, compiled, granted, now, ifMatch }) {
      const { plan, ...rest } = compiled;
      const pk = flowPk(tenant, name);
      const draft: DraftItem = { etag, source: await pack(source), compiled: rest, granted };
      const judged = {
        etag,
        updatedAt: now,
        digest: rest.digest,
        title: plan?.title,
        async: rest.async,
        sync: rest.sync,
      };
      const written = await write(at, { tenant, name }, [
        {
          Put: {
            TableName: at.table,
            Item: toItem({ pk, sk: DRAFT, ...draft }),
            ...(ifMatch !== undefined && {
              ConditionExpression: 'etag = :ifMatch',
              ExpressionAttributeValues: toItem({ ':ifMatch': ifMatch }),
            }),
          },
        },
        {
          Update: {
            TableName: at.table,
            Key: summaryKey(tenant, name),
            UpdateExpression:
              'SET tenant = :tenant, #name = :name, draft = :draft, updatedAt = :now, ' +
              'enabled = if_not_exists(enabled, :yes), createdAt = if_not_exists(createdAt, :now)',
            ExpressionAttributeNames: { '#name': 'name' },
            ExpressionAttributeValues: toItem({
              ':tenant': tenant,
              ':name': name,
              ':draft': judged,
              ':now': now,
              ':yes': true,
            }),
          },
        },
        ...(plan && rest.digest ? [await plans.put({ tenant, name, digest: rest.digest }, plan)] : []),
      ]);
      return written;
    },
  };
}

function versionMoves(at: Table, plans: Plans): Pick<FlowStore, 'addVersion' | 'versions' | 'version'> {
  return {
    async addVersion({ tenant, name, version: { source, ...version }, plan, after }) {
      const pk = flowPk(tenant, name);
      const { version: label, digest, publishedAt, granted, async, sync } = version;
      const latest = { version: label, digest, publishedAt, granted, title: plan.title, async, sync };
      const newest = after === undefined ? 'attribute_not_exists(latest)' : 'latest.version = :after';
      const values = { ':latest': latest, ':at': publishedAt, ':after': after };
      return write(at, { tenant, name }, [
        {
          Update: {
            TableName: at.table,
            Key: summaryKey(tenant, name),
            UpdateExpression: 'SET latest = :latest, updatedAt = :at',
            ConditionExpression: `attribute_exists(pk) AND ${newest}`,
            ExpressionAttributeValues: toItem(values),
          },
        },
        {
          Put: {
            TableName: at.table,
            Item: toItem({ pk, sk: versionSk(label), ...version, source: await pack(source) }),
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        await plans.put({ tenant, name, digest }, plan),
      ]);
    },

    async versions(tenant, name) {
      const items = await findItems(at, flowPk(tenant, name), VERSION);
      return Promise.all(items.map((item) => toVersion(fromItem<VersionItem>(item))).reverse());
    },

    async version(tenant, name, version) {
      const item = await get<VersionItem>(at, toItem({ pk: flowPk(tenant, name), sk: versionSk(version) }));
      return item && toVersion(item);
    },
  };
}

function removal(at: Table): Pick<FlowStore, 'remove'> {
  return {
    async remove(tenant, name) {
      const pk = flowPk(tenant, name);
      const ttl = Math.floor(Date.now() / 1_000) + RETENTION_DAYS * DAY_SECONDS;
      for (const { sk } of (await findItems(at, pk, '')).map((item) => fromItem<{ sk: string }>(item))) {
        const Key = toItem({ pk, sk });
        if (sk.startsWith(PLAN)) await expire(at, Key, ttl);
        else await at.client.send(new DeleteItemCommand({ TableName: at.table, Key }));
      }
      // Last, so a removal that was cut short can be repeated.
      const { Attributes } = await at.client.send(
        new DeleteItemCommand({ TableName: at.table, Key: summaryKey(tenant, name), ReturnValues: 'ALL_OLD' }),
      );
      return Attributes !== undefined;
    },
  };
}

async function expire(at: Table, Key: Item, ttl: number): Promise<void> {
  await at.client.send(
    new UpdateItemCommand({
      TableName: at.table,
      Key,
      UpdateExpression: 'SET #ttl = :ttl',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: toItem({ ':ttl': ttl }),
    }),
  );
}

/** All or nothing: the flow afterwards, where all conditions held. */
async function write(
  at: Table,
  { tenant, name }: { tenant: string; name: string },
  TransactItems: TransactWriteItem[],
): Promise<StoredFlow> {
  try {
    await retryConflicts(() => at.client.send(new TransactWriteItemsCommand({ TransactItems })));
  } catch (error) {
    if (isConditionFailed(error)) return { kind: 'outdated' };
    throw error;
  }
  const item = await get<FlowItem>(at, summaryKey(tenant, name));
  return item ? { kind: 'stored', flow: toSummary(item) } : { kind: 'outdated' };
}

async function get<T>({ client, table }: Table, Key: Item): Promise<T | undefined> {
  // Consistent: what was published a moment ago can be run.
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item && fromItem<T>(Item);
}

async function findItems(at: Table, pk: string, prefix: string): Promise<Item[]> {
  const items: Item[] = [];
  const pages = paginateQuery(
    { client: at.client },
    {
      TableName: at.table,
      KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: toItem({ ':pk': pk, ...(prefix !== '' && { ':prefix': prefix }) }),
      ConsistentRead: true,
    },
  );
  for await (const page of pages) items.push(...(page.Items ?? []));
  return items;
}
