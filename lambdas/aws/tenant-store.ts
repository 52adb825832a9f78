// Tenants, keys and secrets in the catalog table. What may be stored belongs to the core.
//
//   TEN#<tenant>  META            the tenant          TENANTS       <tenant>  the same, for the list
//   TEN#<tenant>  KEY#<key>       a key of it         KEY#<hash>    META      the same, for authentication
//   PLATFORM      BOOTSTRAP       which key was the first
//   TEN#<tenant>  SECRET#<name>   a sealed value      TEN#<tenant>  WEBHOOKSECRETS

import {
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { KEY_TOUCH_SECONDS } from '../core/limits.ts';
import type { FirstKey, Key, Tenant, TenantStore } from '../core/ports/catalog.ts';
import { decodeCursor, encodeCursor, fromCursor, fromItem, type Item, isConditionFailed, toItem } from './dynamo.ts';

const TENANTS = 'TENANTS';
const META = 'META';
/** docs/runbook.md names this item, for whoever has lost every operator key. */
const FIRST_KEY = { pk: 'PLATFORM', sk: 'BOOTSTRAP' };
const WEBHOOK_SECRETS = 'WEBHOOKSECRETS';

const tenantPk = (tenant: string) => `TEN#${tenant}`;
const hashPk = (hash: string) => `KEY#${hash}`;
const keySk = (id: string) => `KEY#${id}`;
const secretSk = (name: string) => `SECRET#${name}`;

interface KeyItem {
  key: Key;
  hash: string;
  lastUsedAt?: number;
}

interface Table {
  client: DynamoDBClient;
  table: string;
}

/** `queued`: stored under the name that it had before. */
type StoredTenant = Omit<Tenant, 'limits'> & { limits: Omit<Tenant['limits'], 'queued'> & { waiting: number } };

function toStored({ limits: { queued, ...limits }, ...tenant }: Tenant): StoredTenant {
  return { ...tenant, limits: { ...limits, waiting: queued } };
}

function fromStored({ limits: { waiting, ...limits }, ...tenant }: StoredTenant): Tenant {
  return { ...tenant, limits: { ...limits, queued: waiting } };
}

type TenantMoves = Pick<TenantStore, 'tenant' | 'putTenant' | 'tenants'>;
type KeyMoves = Pick<
  TenantStore,
  'keyByHash' | 'addKey' | 'firstKey' | 'addFirstKey' | 'keys' | 'removeKey' | 'touchKey'
>;
type SecretMoves = Pick<TenantStore, 'putSecret' | 'secrets' | 'secret' | 'removeSecret'>;
type WebhookSecretMoves = Pick<TenantStore, 'webhookSecrets' | 'putWebhookSecrets'>;

export function makeTenantStore(at: Table): TenantStore {
  return { ...tenantMoves(at), ...keyMoves(at), ...secretMoves(at), ...webhookSecretMoves(at) };
}

function tenantMoves(at: Table): TenantMoves {
  return {
    async tenant(id) {
      const found = await get<{ tenant: StoredTenant }>(at, tenantPk(id), META);
      return found && fromStored(found.tenant);
    },

    async putTenant(tenant) {
      const put = (pk: string, sk: string) => ({
        Put: { TableName: at.table, Item: toItem({ pk, sk, tenant: toStored(tenant) }) },
      });
      const TransactItems = [put(tenantPk(tenant.id), META), put(TENANTS, tenant.id)];
      await at.client.send(new TransactWriteItemsCommand({ TransactItems }));
    },

    async tenants({ limit, cursor }) {
      const query = new QueryCommand({
        TableName: at.table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: toItem({ ':pk': TENANTS }),
        Limit: limit,
        ExclusiveStartKey: decodeCursor(cursor, { pk: TENANTS }),
      });
      const page = await fromCursor(cursor, () => at.client.send(query));
      const tenants = (page.Items ?? []).map((item) => fromStored(fromItem<{ tenant: StoredTenant }>(item).tenant));
      return { tenants, next: encodeCursor(page.LastEvaluatedKey) };
    },
  };
}

function keyMoves(at: Table): KeyMoves {
  return {
    async keyByHash(hash) {
      const found = await get<KeyItem>(at, hashPk(hash), META);
      return found && toKey(found);
    },

    async addKey(key, hash) {
      await at.client.send(new TransactWriteItemsCommand({ TransactItems: putKey(at, key, hash) }));
    },

    async firstKey() {
      const found = await get<FirstKey>(at, FIRST_KEY.pk, FIRST_KEY.sk);
      return found && { id: found.id, tenant: found.tenant, open: found.open };
    },

    addFirstKey(key, hash, known) {
      const Put = {
        TableName: at.table,
        Item: toItem({ ...FIRST_KEY, id: key.id, tenant: key.tenant }),
        ...unchanged(known),
      };
      const TransactItems = [...putKey(at, key, hash), { Put }];
      return held(at.client.send(new TransactWriteItemsCommand({ TransactItems })));
    },

    keys: async (tenant) => (await list<KeyItem>(at, tenantPk(tenant), keySk(''))).map(toKey),

    async removeKey(tenant, id) {
      const found = await get<KeyItem>(at, tenantPk(tenant), keySk(id));
      if (!found) return false;
      const remove = (pk: string, sk: string) => ({ Delete: { TableName: at.table, Key: toItem({ pk, sk }) } });
      const TransactItems = [remove(hashPk(found.hash), META), remove(tenantPk(tenant), keySk(id))];
      await at.client.send(new TransactWriteItemsCommand({ TransactItems }));
      return true;
    },

    async touchKey({ tenant, id }, now) {
      const hash = await touch(at, { pk: tenantPk(tenant), sk: keySk(id) }, now);
      if (hash !== undefined) await touch(at, { pk: hashPk(hash), sk: META }, now);
    },
  };
}

function putKey({ table }: Table, key: Key, hash: string) {
  const put = (pk: string, sk: string) => ({
    Put: {
      TableName: table,
      Item: toItem({ pk, sk, key, hash }),
      ConditionExpression: 'attribute_not_exists(pk)',
    },
  });
  return [put(hashPk(hash), META), put(tenantPk(key.tenant), keySk(key.id))];
}

function unchanged(known: FirstKey | undefined) {
  if (known === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const [name, value] = known.open ? ['open', true] : ['id', known.id];
  return {
    ConditionExpression: '#name = :value',
    ExpressionAttributeNames: { '#name': String(name) },
    ExpressionAttributeValues: toItem({ ':value': value }),
  };
}

function secretMoves(at: Table): SecretMoves {
  return {
    async putSecret(tenant, name, sealed, now) {
      const Item = toItem({ pk: tenantPk(tenant), sk: secretSk(name), name, sealed, updatedAt: now });
      await at.client.send(new PutItemCommand({ TableName: at.table, Item }));
    },

    async secrets(tenant) {
      const found = await list<{ name: string; updatedAt: number }>(at, tenantPk(tenant), secretSk(''));
      return found.map(({ name, updatedAt }) => ({ name, updatedAt }));
    },

    secret: async (tenant, name) => (await get<{ sealed: string }>(at, tenantPk(tenant), secretSk(name)))?.sealed,

    async removeSecret(tenant, name) {
      const Key = toItem({ pk: tenantPk(tenant), sk: secretSk(name) });
      const { Attributes } = await at.client.send(
        new DeleteItemCommand({ TableName: at.table, Key, ReturnValues: 'ALL_OLD' }),
      );
      return Attributes !== undefined;
    },
  };
}

function webhookSecretMoves(at: Table): WebhookSecretMoves {
  return {
    async webhookSecrets(tenant) {
      const found = await get<{ secrets: { sealed: string; until?: number }[] }>(at, tenantPk(tenant), WEBHOOK_SECRETS);
      return found?.secrets ?? [];
    },

    putWebhookSecrets(tenant, secrets, known) {
      const item = { pk: tenantPk(tenant), sk: WEBHOOK_SECRETS, newest: secrets[0]?.sealed, secrets };
      return held(
        at.client.send(
          new PutItemCommand({
            TableName: at.table,
            Item: toItem(item),
            ...(known === undefined
              ? { ConditionExpression: 'attribute_not_exists(pk)' }
              : { ConditionExpression: 'newest = :known', ExpressionAttributeValues: toItem({ ':known': known }) }),
          }),
        ),
      );
    },
  };
}

// What was revoked or lowered must be seen by the next cache miss: reads of one item are consistent.
async function get<T>(at: Table, pk: string, sk: string): Promise<T | undefined> {
  const Key = toItem({ pk, sk });
  const { Item } = await at.client.send(new GetItemCommand({ TableName: at.table, Key, ConsistentRead: true }));
  return Item && fromItem<T>(Item);
}

async function list<T>(at: Table, pk: string, prefix: string): Promise<T[]> {
  const items: Item[] = [];
  let from: Item | undefined;
  do {
    const page = await at.client.send(
      new QueryCommand({
        TableName: at.table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: toItem({ ':pk': pk, ':prefix': prefix }),
        ConsistentRead: true,
        ExclusiveStartKey: from,
      }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from);
  return items.map((item) => fromItem<T>(item));
}

/** The key's hash, or undefined where the key was removed or used within the hour. */
async function touch(at: Table, key: { pk: string; sk: string }, now: number): Promise<string | undefined> {
  const request = new UpdateItemCommand({
    TableName: at.table,
    Key: toItem(key),
    UpdateExpression: 'SET lastUsedAt = :now',
    ConditionExpression: 'attribute_exists(pk) AND (attribute_not_exists(lastUsedAt) OR lastUsedAt < :hourAgo)',
    ExpressionAttributeValues: toItem({ ':now': now, ':hourAgo': now - KEY_TOUCH_SECONDS * 1_000 }),
    ReturnValues: 'ALL_NEW',
  });
  try {
    const { Attributes } = await at.client.send(request);
    return Attributes && fromItem<KeyItem>(Attributes).hash;
  } catch (error) {
    if (isConditionFailed(error)) return undefined;
    throw error;
  }
}

/** Whether the condition of the write held. */
async function held(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (isConditionFailed(error)) return false;
    throw error;
  }
}

function toKey({ key, lastUsedAt }: KeyItem): Key {
  return { ...key, lastUsedAt };
}
