import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import { makeTenantStore } from '../../lambdas/aws/tenant-store.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';
import { describeTenantStore } from './tenant-store.contract.ts';

describeTenantStore('memory', makeMemoryTenantStore);

let server: LocalDynamoDb;
let tables = 0;
beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describeTenantStore('DynamoDB', async () => {
  const client = makeDynamo({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  tables += 1;
  const table = `catalog-${tables}`;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  return makeTenantStore({ client, table });
});
