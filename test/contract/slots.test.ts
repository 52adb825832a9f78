import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import { makeSlots } from '../../lambdas/aws/slots.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { systemIds } from '../../lambdas/system.ts';
import { freshRun } from '../bench/engine-ports.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';

const TABLE = 'runtime';
const LIMIT = 2;
let server: LocalDynamoDb;
let slots: ReturnType<typeof makeSlots>;
let tenants = 0;

beforeAll(async () => {
  server = await startDynamoDb();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = makeDynamo({ endpoint: server.endpoint, region: 'us-east-1', credentials });
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  const KeySchema = [key('pk', 'HASH'), key('sk', 'RANGE')];
  const AttributeDefinitions = KeySchema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' as const }));
  await client.send(
    new CreateTableCommand({ TableName: TABLE, BillingMode: 'PAY_PER_REQUEST', KeySchema, AttributeDefinitions }),
  );
  slots = makeSlots({ client, table: TABLE });
});
afterAll(() => server.stop());

/** Runs of a tenant of their own, each a millisecond older than the next. */
function runsOf(count: number, priorities: number[] = []): Run[] {
  tenants += 1;
  const createdAt = Date.now();
  return Array.from({ length: count }, (_, n) => ({
    ...freshRun(),
    id: systemIds.run(createdAt + n),
    tenant: `tenant-${tenants}`,
    createdAt: createdAt + n,
    priority: priorities[n] ?? 0,
  }));
}

const acquire = ({ tenant, id }: Run) => slots.acquire({ tenant, runId: id, limit: LIMIT, now: Date.now() });
const tenantOf = ([run]: Run[]): string => run?.tenant ?? '';
const idsOf = (runs: Run[]): string[] => runs.map(({ id }) => id);

test('gives as many slots as the limit allows, and the same run its own again', async () => {
  const runs = runsOf(3);
  expect(await Promise.all(runs.slice(0, LIMIT).map(acquire))).toEqual([true, true]);
  expect(await acquire(runs[2] as Run)).toBe(false);
  expect(await acquire(runs[0] as Run)).toBe(true);
});

test('shows who holds slots, who runs synchronously and how many wait', async () => {
  const runs = runsOf(4);
  const [held, sync, ...waiting] = runs as [Run, Run, ...Run[]];
  await acquire(held);
  await slots.enterSync({ tenant: sync.tenant, runId: sync.id, limit: LIMIT, now: Date.now() });
  for (const run of waiting) await slots.wait(run);
  expect(await slots.occupancy(tenantOf(runs))).toEqual({ running: [held.id], waiting: 2, sync: [sync.id] });
});

test('shows an unknown tenant as idle', async () => {
  expect(await slots.occupancy('nobody')).toEqual({ running: [], waiting: 0, sync: [] });
});

test('seats waiting runs by priority, then age, and no more than there are free slots', async () => {
  const runs = runsOf(4, [0, 0, 9, 0]);
  for (const run of runs) await slots.wait(run);
  const [oldest, second, urgent] = idsOf(runs);
  expect(await slots.promote(tenantOf(runs), LIMIT)).toEqual([urgent, oldest]);
  expect(await slots.promote(tenantOf(runs), LIMIT)).toEqual([]);
  expect(await slots.release(tenantOf(runs), urgent ?? '')).toEqual({ waiting: 2 });
  expect(await slots.promote(tenantOf(runs), LIMIT)).toEqual([second]);
});

test('seats every waiting run once when several promote at the same moment', async () => {
  const runs = runsOf(6);
  for (const run of runs) await slots.wait(run);
  const promoted = await Promise.all([1, 2, 3].map(() => slots.promote(tenantOf(runs), 4)));
  expect(promoted.flat().toSorted()).toEqual(idsOf(runs).slice(0, 4));
  expect(await slots.occupancy(tenantOf(runs))).toMatchObject({ waiting: 2 });
});

test('lets nobody overtake those who wait', async () => {
  const runs = runsOf(2);
  const [waiting, newcomer] = runs as [Run, Run];
  await slots.wait(waiting);
  expect(await acquire(newcomer)).toBe(false);
});
