// Who may call the stand-ins for AWS: signatures of the real SDK, and what somebody makes of them.

import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, test } from 'vitest';
import { CREDENTIALS } from '../../local/credentials.ts';
import { isSigned, type SignedRequest } from '../../local/emulators/signature.ts';
import { startHttpServer } from '../support/http-server.ts';

const region = 'us-east-1';

/** What the SDK sends. */
async function capture(credentials = CREDENTIALS): Promise<SignedRequest> {
  await using server = await startHttpServer((_, response) => response.end('{}'));
  await new DynamoDBClient({ endpoint: server.origin, region, credentials }).send(new ListTablesCommand({}));
  const [{ method, path, headers } = { method: '', path: '', headers: {} }] = server.received;
  return { method, url: path, headers };
}

describe('a signed request', () => {
  test('is let in as it was sent, and not with anything else', async () => {
    const { method, url, headers } = await capture();
    expect(isSigned({ method, url, headers })).toBe(true);
    const others: SignedRequest[] = [
      { method, url, headers: {} },
      { method: 'PUT', url, headers },
      { method, url: '/other', headers },
      { method, url: '/?a=1', headers },
      { method, url, headers: { ...headers, 'x-amz-target': 'DynamoDB_20120810.Scan' } },
      { method, url, headers: { ...headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
      { method, url, headers: { ...headers, authorization: `${headers['authorization']}0` } },
      { method, url, headers: { ...headers, authorization: String(headers['authorization']).replace(/\w{64}$/, '') } },
    ];
    for (const request of others) expect(isSigned(request), JSON.stringify(request)).toBe(false);
  });

  test('of whoever knows the key and not the secret is refused', async () => {
    expect(isSigned(await capture({ ...CREDENTIALS, secretAccessKey: 'local' }))).toBe(false);
  });
});

describe('a presigned address', () => {
  const s3 = new S3Client({ endpoint: 'http://127.0.0.1:1', region, credentials: CREDENTIALS, forcePathStyle: true });
  const read = async (Key: string): Promise<SignedRequest> => {
    const address = await getSignedUrl(s3, new GetObjectCommand({ Bucket: 'b', Key }), { expiresIn: 60 });
    const { pathname, search, host } = new URL(address);
    return { method: 'GET', url: `${pathname}${search}`, headers: { host } };
  };

  test('is good for its object, its method and its time', async () => {
    const request = await read("files/a b/ü'(1)*.txt");
    expect(isSigned(request)).toBe(true);
    expect(isSigned({ ...request, method: 'PUT' })).toBe(false);
    expect(isSigned({ ...request, url: request.url?.replace('/b/files', '/b/other') })).toBe(false);
    expect(isSigned({ ...request, url: request.url?.replace('Expires=60', 'Expires=600000') })).toBe(false);
    expect(isSigned(request, Date.now() + 58_000)).toBe(true);
    expect(isSigned(request, Date.now() + 62_000)).toBe(false);
  });

  test('takes the length that was announced, and no other', async () => {
    const put = new PutObjectCommand({ Bucket: 'b', Key: 'k', ContentLength: 3 });
    const address = await getSignedUrl(s3, put, { signableHeaders: new Set(['content-length', 'host']) });
    const { pathname, search, host } = new URL(address);
    const send = (headers: Record<string, string>) =>
      isSigned({ method: 'PUT', url: `${pathname}${search}`, headers: { host, ...headers } });
    expect(send({ 'content-length': '3' })).toBe(true);
    expect(send({ 'content-length': '4' })).toBe(false);
    expect(send({ 'transfer-encoding': 'chunked' })).toBe(false);
  });
});
