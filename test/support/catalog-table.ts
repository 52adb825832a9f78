// A catalog table of its own, as the stack has it, on a local DynamoDB.

import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import type { LocalDynamoDb } from './dynamodb.ts';
import { LOCAL_CREDENTIALS } from './runtime-table.ts';

let tables = 0;

export async function makeCatalogTable({
  endpoint,
}: LocalDynamoDb): Promise<{ client: DynamoDBClient; table: string }> {
  const client = makeDynamo({ endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS });
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
  return { client, table };
}
