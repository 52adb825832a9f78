import { afterAll, beforeAll } from 'vitest';
import { makeTenantStore } from '../../lambdas/aws/tenant-store.ts';
import { makeCatalogTable } from '../support/catalog-table.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';
import { describeTenantStore } from './tenant-store.contract.ts';

describeTenantStore('memory', makeMemoryTenantStore);

let server: LocalDynamoDb;
beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describeTenantStore('DynamoDB', async () => makeTenantStore(await makeCatalogTable(server)));
