import { afterAll, beforeAll } from 'vitest';
import { makePluginStore } from '../../lambdas/aws/plugin-store.ts';
import { makeCatalogTable } from '../support/catalog-table.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryPluginStore } from '../support/memory-plugin-store.ts';
import { describePluginStore } from './plugin-store.contract.ts';

describePluginStore('memory', makeMemoryPluginStore);

let server: LocalDynamoDb;
beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describePluginStore('DynamoDB', async () => makePluginStore(await makeCatalogTable(server)));
