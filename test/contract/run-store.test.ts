import { S3Client } from '@aws-sdk/client-s3';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll } from 'vitest';
import { makePayloads } from '../../lambdas/aws/payloads.ts';
import { makeRunStore } from '../../lambdas/aws/run-store.ts';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryRunStore } from '../support/memory-run-store.ts';
import { LOCAL_CREDENTIALS, makeRuntimeTable } from '../support/runtime-table.ts';
import { describeRunStore } from './run-store.contract.ts';

describeRunStore('memory', makeMemoryRunStore);

let server: LocalDynamoDb;
let buckets: Awaited<ReturnType<typeof startFauxqs>>;
beforeAll(async () => {
  [server, buckets] = await Promise.all([startDynamoDb(), startFauxqs({ port: 0, logger: false, host: '127.0.0.1' })]);
  buckets.createBucket('payloads');
});
afterAll(() => Promise.all([server.stop(), buckets.stop()]));

describeRunStore('DynamoDB', async () => {
  const endpoint = `http://127.0.0.1:${buckets.port}`;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials: LOCAL_CREDENTIALS });
  const payloads = makePayloads({ bucket: 'payloads', client });
  const keyring = makeKeyring(async () => 'a'.repeat(64));
  return makeRunStore({ ...(await makeRuntimeTable(server)), payloads, keyring });
});
