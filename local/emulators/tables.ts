// Creates the template's tables and deletes items whose time to live is over, which the local DynamoDB does not.

import type { TableSpec } from '../blueprint/storage.ts';
import { callWire, WireError } from './wire.ts';

type Item = Record<string, { S?: string; N?: string; B?: string }>;

const TTL_SWEEP_MS = 60_000;

export async function createTables(endpoint: string, tables: TableSpec[]): Promise<void> {
  await Promise.all(tables.map((table) => createTable(endpoint, table)));
}

async function createTable(endpoint: string, { name, schema }: TableSpec): Promise<void> {
  const input = { TableName: name, BillingMode: 'PAY_PER_REQUEST', ...schema };
  try {
    await callWire(endpoint, 'DynamoDB_20120810.CreateTable', input);
  } catch (error) {
    if (!(error instanceof WireError && error.code === 'ResourceInUseException')) throw error;
    await checkUnchanged(endpoint, { name, schema });
  }
}

async function checkUnchanged(endpoint: string, { name, schema }: TableSpec): Promise<void> {
  const { Table } = await callWire<{ Table: TableSpec['schema'] }>(endpoint, 'DynamoDB_20120810.DescribeTable', {
    TableName: name,
  });
  if (describeShape(Table) === describeShape(schema)) return;
  throw new Error(
    `The stored table ${name} has other keys or indexes than the template; delete the state with 'npm run reset'`,
  );
}

function describeShape(schema: TableSpec['schema']): string {
  const keys = (parts: TableSpec['schema']['KeySchema']) =>
    parts.map((key) => `${key.KeyType}:${key.AttributeName}`).sort();
  const indexes = [...(schema.GlobalSecondaryIndexes ?? []), ...(schema.LocalSecondaryIndexes ?? [])];
  return JSON.stringify([
    keys(schema.KeySchema),
    indexes.map((index) => [index.IndexName, keys(index.KeySchema), index.Projection['ProjectionType']].join()).sort(),
  ]);
}

/** Sweeps every minute until the signal is aborted. */
export function sweepExpiredItems(endpoint: string, tables: TableSpec[], signal: AbortSignal): void {
  const timer = setInterval(async () => {
    for (const table of tables) {
      // A sweep that fails is made up for by the next one.
      await deleteExpired(endpoint, table, Math.floor(Date.now() / 1_000)).catch(() => {});
    }
  }, TTL_SWEEP_MS).unref();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
}

/** An item that was given more time since it was read stays. */
export async function deleteExpired(endpoint: string, table: TableSpec, nowSeconds: number): Promise<number> {
  const { name, ttlAttribute, schema } = table;
  if (!ttlAttribute) return 0;
  const names = { '#ttl': ttlAttribute };
  let deleted = 0;
  let start: Item | undefined;
  do {
    const page = await callWire<{ Items: Item[]; LastEvaluatedKey?: Item }>(endpoint, 'DynamoDB_20120810.Scan', {
      TableName: name,
      FilterExpression: '#ttl < :now',
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ':now': { N: String(nowSeconds) } },
      ...(start ? { ExclusiveStartKey: start } : {}),
    });
    for (const item of page.Items) {
      const key = schema.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]);
      const removed = await callWire(endpoint, 'DynamoDB_20120810.DeleteItem', {
        TableName: name,
        Key: Object.fromEntries(key),
        ConditionExpression: '#ttl = :seen',
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ':seen': item[ttlAttribute] },
      }).catch(refusedCondition);
      if (removed) deleted += 1;
    }
    start = page.LastEvaluatedKey;
  } while (start);
  return deleted;
}

function refusedCondition(error: unknown): undefined {
  if (error instanceof WireError && error.code === 'ConditionalCheckFailedException') return undefined;
  throw error;
}
