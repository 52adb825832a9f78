import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFlowStore } from '../../lambdas/aws/flow-store.ts';
import { buildPlan } from '../support/build-plan.ts';
import { makeCatalogTable } from '../support/catalog-table.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryFlowStore } from '../support/memory-flow-store.ts';
import { describeFlowStore } from './flow-store.contract.ts';

describeFlowStore('memory', makeMemoryFlowStore);

let server: LocalDynamoDb;
beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describeFlowStore('DynamoDB', async () => makeFlowStore(await makeCatalogTable(server)));

test('lets the plans of a removed flow expire, and keeps those of a flow that is made again', async () => {
  const { client, table } = await makeCatalogTable(server);
  const store = makeFlowStore({ client, table });
  const support = { supported: true, blockers: [] };
  const compiled = { plan: buildPlan(), digest: 'd1', problems: [], async: support, sync: support };
  const draft = { tenant: 'acme', name: 'hello', source: 'flow: 1', etag: 'e1', compiled, now: 0 };
  const Key = { pk: { S: 'FLOW#acme#hello' }, sk: { S: 'PLAN#d1' } };
  const expiry = async () => (await client.send(new GetItemCommand({ TableName: table, Key }))).Item?.['ttl'];
  await store.putDraft(draft);
  expect(await expiry()).toBeUndefined();
  await store.remove('acme', 'hello');
  expect(Number((await expiry())?.N)).toBeGreaterThan(Date.now() / 1_000);
  await store.putDraft(draft);
  expect(await expiry()).toBeUndefined();
});

test('refuses the cursor of another tenant', async () => {
  const store = makeFlowStore(await makeCatalogTable(server));
  const support = { supported: true, blockers: [] };
  const compiled = { problems: [], async: support, sync: support };
  for (const name of ['a', 'b']) {
    await store.putDraft({ tenant: 'acme', name, source: 'flow: 1', etag: 'e1', compiled, now: 0 });
  }
  const { next } = await store.list('acme', { limit: 1 });
  expect(next).not.toBeNull();
  await expect(store.list('other', { limit: 1, cursor: next ?? '' })).rejects.toMatchObject({
    code: 'invalid-request',
  });
});
