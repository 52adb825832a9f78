// Keeps the payloads that are too large for an item: JSON texts in S3. Which payloads, and their keys, belong to the stores.

import type { S3Client } from '@aws-sdk/client-s3';
import { ApiError } from '../core/errors.ts';
import { MAX_PAYLOAD_BYTES } from '../core/limits.ts';

export interface Payloads {
  /** Writes the text under the key, over whatever was there. */
  put(key: string, text: string): Promise<void>;
  /** Undefined where nothing is stored, e.g. because it has expired. */
  get(key: string): Promise<string | undefined>;
}

/** The S3 client is heavy and most runs never need it: it is imported with the first large payload. */
export function makePayloads(options: { bucket: string; client?: S3Client }): Payloads {
  const Bucket = options.bucket;
  let loading: Promise<{ sdk: typeof import('@aws-sdk/client-s3'); client: S3Client }> | undefined;

  function load() {
    loading ??= import('@aws-sdk/client-s3').then((sdk) => ({
      sdk,
      client: options.client ?? new sdk.S3Client({ maxAttempts: 3 }),
    }));
    return loading;
  }

  return {
    async put(key, text) {
      const bytes = Buffer.byteLength(text);
      if (bytes > MAX_PAYLOAD_BYTES) {
        throw new ApiError('payload-too-large', `A payload has ${bytes} bytes; ${MAX_PAYLOAD_BYTES} are allowed`);
      }
      const { sdk, client } = await load();
      await client.send(new sdk.PutObjectCommand({ Bucket, Key: key, Body: text, ContentType: 'application/json' }));
    },

    async get(key) {
      const { sdk, client } = await load();
      try {
        const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: key }));
        return await Body?.transformToString();
      } catch (error) {
        if (error instanceof sdk.NoSuchKey) return undefined;
        throw error;
      }
    },
  };
}
