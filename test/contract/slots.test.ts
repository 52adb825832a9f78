import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import { makeSlots } from '../../lambdas/aws/slots.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemorySlots } from '../support/memory-slots.ts';
import { describeSlots } from './slots.contract.ts';

const TABLE = 'runtime';
let server: LocalDynamoDb;
describeSlots('memory', makeMemorySlots);

beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describeSlots('DynamoDB', async () => {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = makeDynamo({ endpoint: server.endpoint, region: 'us-east-1', credentials });
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType });
  const KeySchema = [key('pk', 'HASH'), key('sk', 'RANGE')];
  const AttributeDefinitions = KeySchema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' as const }));
  await client.send(
    new CreateTableCommand({ TableName: TABLE, BillingMode: 'PAY_PER_REQUEST', KeySchema, AttributeDefinitions }),
  );
  return makeSlots({ client, table: TABLE });
});
