import { S3Client } from '@aws-sdk/client-s3';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFileStore } from '../../lambdas/aws/file-store.ts';
import type { FileStore } from '../../lambdas/core/ports/files.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemoryFileStore } from '../support/memory-file-store.ts';
import { LOCAL_CREDENTIALS, makeRuntimeTable } from '../support/runtime-table.ts';
import { describeFileStore } from './file-store.contract.ts';

let dynamodb: LocalDynamoDb;
let buckets: FauxqsServer;
let store: FileStore;

beforeAll(async () => {
  dynamodb = await startDynamoDb();
  buckets = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  buckets.createBucket('payloads');
  const s3 = new S3Client({
    endpoint: `http://127.0.0.1:${buckets.port}`,
    region: 'us-east-1',
    credentials: LOCAL_CREDENTIALS,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  store = makeFileStore({ ...(await makeRuntimeTable(dynamodb)), bucket: 'payloads', s3 });
});
afterAll(async () => {
  await dynamodb?.stop();
  await buckets?.stop();
});

describeFileStore('memory', makeMemoryFileStore);
describeFileStore('DynamoDB and S3', () => store);

test('an address takes the announced bytes from whoever has it, and another gives them back as a download', async () => {
  const file = { id: 'f9', tenant: 'acme', name: 'ü.txt', type: 'text/plain', size: 5, createdAt: 1 };
  const { url, headers } = await store.uploadUrl(file);
  const signed = new URL(url).searchParams;
  expect(signed.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host');
  expect(signed.get('X-Amz-Expires')).toBe('900');
  expect([...signed.keys()].filter((name) => /checksum/i.test(name))).toEqual([]);
  expect((await fetch(url, { method: 'PUT', headers, body: 'hello' })).status).toBe(200);
  const download = await store.downloadUrl(file);
  const answer = await fetch(download);
  expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
  const asked = new URL(download).searchParams.get('response-content-disposition');
  expect(asked).toBe("attachment; filename*=UTF-8''%C3%BC.txt");
});
