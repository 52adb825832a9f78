// Reads the one platform secret from Secrets Manager. Keys are derived from it by core/keyring.ts, which also caches.

import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';

const MIN_MASTER_CHARS = 32;
const secretSchema = z.object({ master: z.string().min(MIN_MASTER_CHARS) });

/** Loads `{"master": "…"}`. The client is imported on first use: only a cold start pays for it, and not every one. */
export function makePlatformSecret(options: { secretArn: string; client?: SecretsManagerClient }) {
  return async (): Promise<string> => {
    const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    const client = options.client ?? new SecretsManagerClient({ maxAttempts: 3 });
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: options.secretArn }));
    const parsed = secretSchema.safeParse(parse(SecretString));
    // The message must not quote what was read.
    if (!parsed.success)
      throw new Error(`The platform secret must be {"master": "<${MIN_MASTER_CHARS} characters or more>"}`);
    return parsed.data.master;
  };
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
