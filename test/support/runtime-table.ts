// The runtime table as the stack has it, on a local DynamoDB.

import { CreateTableCommand, type DynamoDBClient, type KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import { DUE_INDEX, LIST_INDEX } from '../../lambdas/aws/run-keys.ts';
import type { LocalDynamoDb } from './dynamodb.ts';

export const LOCAL_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

const keys = (hash: string, range: string): KeySchemaElement[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];

export async function makeRuntimeTable({
  endpoint,
}: LocalDynamoDb): Promise<{ client: DynamoDBClient; table: string }> {
  const client = makeDynamo({ endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS });
  const table = 'runtime';
  const text = ['pk', 'sk', 'tenantKey', 'runId', 'dueShard'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S' as const,
  }));
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...text, { AttributeName: 'dueAt', AttributeType: 'N' }],
      KeySchema: keys('pk', 'sk'),
      GlobalSecondaryIndexes: [
        {
          IndexName: LIST_INDEX,
          KeySchema: keys('tenantKey', 'runId'),
          Projection: {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: ['endStatus', 'flow', 'mode', 'env', 'dialect', 'userId'],
          },
        },
        { IndexName: DUE_INDEX, KeySchema: keys('dueShard', 'dueAt'), Projection: { ProjectionType: 'KEYS_ONLY' } },
      ],
    }),
  );
  return { client, table };
}
