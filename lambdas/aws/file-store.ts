// Uploaded files: a record in the runtime table (`FILE#<tenant>#<id>  FILE`), the bytes in S3 (`files/<tenant>/<id>`).
// Large ones never pass through us: their owners PUT them to a presigned address.

import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { UPLOAD_SECONDS } from '../core/limits.ts';
import type { FileStore, StoredFile } from '../core/ports/files.ts';
import { fromItem, toItem } from './dynamo.ts';
import { expiry } from './run-keys.ts';

interface Options {
  client: DynamoDBClient;
  table: string;
  bucket: string;
  s3?: S3Client;
}

const objectKey = (tenant: string, id: string) => ({ pk: `FILE#${tenant}#${id}`, sk: 'FILE' });

export function makeFileStore({ client, table, bucket: Bucket, s3: ownClient }: Options): FileStore {
  const Key = ({ tenant, id }: StoredFile) => `files/${tenant}/${id}`;
  let loading: ReturnType<typeof load> | undefined;

  async function load() {
    const sdk = await import('@aws-sdk/client-s3');
    // A checksum that the SDK would add to a presigned address is the one of no bytes at all.
    return { sdk, s3: ownClient ?? new sdk.S3Client({ maxAttempts: 3, requestChecksumCalculation: 'WHEN_REQUIRED' }) };
  }
  function loaded() {
    loading ??= load();
    return loading;
  }
  async function presigner() {
    const [{ getSignedUrl }, { sdk, s3 }] = await Promise.all([import('@aws-sdk/s3-request-presigner'), loaded()]);
    return { getSignedUrl, sdk, s3 };
  }

  return {
    async add(file) {
      const item = { ...objectKey(file.tenant, file.id), file: JSON.stringify(file), ttl: expiry(file.createdAt) };
      await client.send(new PutItemCommand({ TableName: table, Item: toItem(item) }));
    },

    async get(tenant, id) {
      const request = { TableName: table, Key: toItem(objectKey(tenant, id)), ConsistentRead: true };
      const { Item } = await client.send(new GetItemCommand(request));
      return Item && (JSON.parse(fromItem<{ file: string }>(Item).file) as StoredFile);
    },

    async uploadUrl(file) {
      const { getSignedUrl, sdk, s3 } = await presigner();
      const put = new sdk.PutObjectCommand({
        Bucket,
        Key: Key(file),
        ContentType: file.type,
        ContentLength: file.size,
      });
      // Signed, the length is a limit that S3 itself keeps.
      const signed = new Set(['content-type', 'content-length', 'host']);
      const url = await getSignedUrl(s3, put, { expiresIn: UPLOAD_SECONDS, signableHeaders: signed });
      return { url, headers: { 'content-type': file.type } };
    },

    async downloadUrl(file) {
      const { getSignedUrl, sdk, s3 } = await presigner();
      const get = new sdk.GetObjectCommand({
        Bucket,
        Key: Key(file),
        ResponseContentType: file.type,
        // Never shown in the bucket's own origin: what tenants upload may be a page.
        ResponseContentDisposition: `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      });
      return getSignedUrl(s3, get, { expiresIn: UPLOAD_SECONDS });
    },

    async write(file, bytes) {
      const { sdk, s3 } = await loaded();
      await s3.send(new sdk.PutObjectCommand({ Bucket, Key: Key(file), Body: bytes, ContentType: file.type }));
    },

    async isUploaded(file) {
      const { sdk, s3 } = await loaded();
      try {
        await s3.send(new sdk.HeadObjectCommand({ Bucket, Key: Key(file) }));
        return true;
      } catch (error) {
        if (error instanceof sdk.NotFound) return false;
        throw error;
      }
    },

    async read(file) {
      const { sdk, s3 } = await loaded();
      try {
        const { Body } = await s3.send(new sdk.GetObjectCommand({ Bucket, Key: Key(file) }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof sdk.NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
