import { S3Client } from '@aws-sdk/client-s3';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePayloads, type Payloads } from '../../lambdas/aws/payloads.ts';
import { MAX_PAYLOAD_BYTES } from '../../lambdas/core/limits.ts';

let server: Awaited<ReturnType<typeof startFauxqs>>;
let client: S3Client;
let payloads: Payloads;
beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' });
  server.createBucket('payloads');
  client = new S3Client({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  payloads = makePayloads({ bucket: 'payloads', client });
});
afterAll(() => server.stop());

test('gives back the text that was put, character for character', async () => {
  const text = JSON.stringify({ news: ['ünïcode', '💥', '\u0000', 'x'.repeat(100_000)] });
  await payloads.put('runs/a/outputs', text);
  expect(await payloads.get('runs/a/outputs')).toBe(text);
});

test('gives back the newest of two', async () => {
  await payloads.put('runs/b', '1');
  await payloads.put('runs/b', '2');
  expect(await payloads.get('runs/b')).toBe('2');
});

test('has nothing under a key that was never put', async () => {
  expect(await payloads.get('runs/none')).toBeUndefined();
});

test('takes a payload of the largest size, counted in bytes, and none that is larger', async () => {
  const largest = 'é'.repeat(MAX_PAYLOAD_BYTES / 2);
  await payloads.put('runs/c', largest);
  expect((await payloads.get('runs/c'))?.length).toBe(largest.length);
  await expect(payloads.put('runs/d', `${largest}!`)).rejects.toMatchObject({ code: 'payload-too-large' });
  expect(await payloads.get('runs/d')).toBeUndefined();
});

test('does not take a bucket that is away for a payload that is not there', async () => {
  const lost = makePayloads({ bucket: 'no-such-bucket', client });
  await expect(lost.get('runs/a')).rejects.toThrow();
});
