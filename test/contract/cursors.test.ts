// Cursors that somebody has written by hand: of the right list, but no key that the table knows.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFlowStore } from '../../lambdas/aws/flow-store.ts';
import type { Payloads } from '../../lambdas/aws/payloads.ts';
import { makeRunList } from '../../lambdas/aws/run-list.ts';
import { makeTenantStore } from '../../lambdas/aws/tenant-store.ts';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { makeCatalogTable } from '../support/catalog-table.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeRuntimeTable } from '../support/runtime-table.ts';

let server: LocalDynamoDb;
let lists: Record<string, (cursor: string) => Promise<unknown>>;

beforeAll(async () => {
  server = await startDynamoDb();
  const [catalog, runtime] = await Promise.all([makeCatalogTable(server), makeRuntimeTable(server)]);
  const flows = makeFlowStore(catalog);
  const runs = makeRunList({ ...runtime, payloads: {} as Payloads, keyring: makeKeyring(async () => 'a') });
  lists = {
    tenants: (cursor) => makeTenantStore(catalog).tenants({ limit: 2, cursor }),
    flows: (cursor) => flows.list('acme', { limit: 2, cursor }),
    runs: (cursor) => runs.list({ tenant: 'acme', limit: 2, cursor }),
  };
});
afterAll(() => server.stop());

test.each([
  ['tenants', { pk: 'TENANTS' }],
  ['tenants', { pk: 'TENANTS', sk: 5 }],
  ['tenants', { pk: 'TENANTS', sk: 'a', more: 'b' }],
  ['flows', { pk: 'TEN#acme' }],
  ['flows', { pk: 'TEN#acme', sk: 'FLOW#a', more: 1 }],
  ['runs', { tenantKey: 'acme' }],
  ['runs', { tenantKey: 'acme', runId: 'a' }],
  ['runs', { tenantKey: 'acme', runId: 1, pk: 'a', sk: 'b' }],
])('the list of %s refuses %j as a cursor', async (list, key) => {
  const cursor = Buffer.from(JSON.stringify(key)).toString('base64url');
  await expect(lists[list]?.(cursor)).rejects.toMatchObject({
    code: 'invalid-request',
    details: [expect.objectContaining({ field: 'cursor' })],
  });
});
