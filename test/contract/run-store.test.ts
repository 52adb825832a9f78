import { CreateTableCommand, type KeySchemaElement } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll } from 'vitest';
import { makeDynamo } from '../../lambdas/aws/dynamo.ts';
import { makePayloads } from '../../lambdas/aws/payloads.ts';
import { DUE_INDEX, LIST_INDEX } from '../../lambdas/aws/run-keys.ts';
import { makeRunStore } from '../../lambdas/aws/run-store.ts';
import { makeKeyring } from '../../lambdas/core/keyring.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryRunStore } from '../support/memory-run-store.ts';
import { describeRunStore } from './run-store.contract.ts';

describeRunStore('memory', makeMemoryRunStore);

let server: LocalDynamoDb;
let buckets: Awaited<ReturnType<typeof startFauxqs>>;
beforeAll(async () => {
  [server, buckets] = await Promise.all([startDynamoDb(), startFauxqs({ port: 0, logger: false, host: '127.0.0.1' })]);
  buckets.createBucket('payloads');
});
afterAll(() => Promise.all([server.stop(), buckets.stop()]));

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const keys = (hash: string, range: string): KeySchemaElement[] => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];

async function makeTable() {
  const client = makeDynamo({ endpoint: server.endpoint, region: 'us-east-1', credentials });
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

describeRunStore('DynamoDB', async () => {
  const s3 = new S3Client({ endpoint: `http://127.0.0.1:${buckets.port}`, region: 'us-east-1', credentials });
  const payloads = makePayloads({ bucket: 'payloads', client: s3 });
  const keyring = makeKeyring(async () => 'a'.repeat(64));
  return makeRunStore({ ...(await makeTable()), payloads, keyring });
});
