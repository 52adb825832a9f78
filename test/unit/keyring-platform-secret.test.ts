import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from 'vitest';
import { makePlatformSecret } from '../../lambdas/aws/platform-secret.ts';
import { startHttpServer } from '../support/http-server.ts';

const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:platform';
const MASTER = 'a platform secret of more than 32 characters';

/** A Secrets Manager that knows one secret. */
async function startSecretsManager(SecretString: string | undefined) {
  const server = await startHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ ARN, SecretString }));
  });
  const client = new SecretsManagerClient({
    endpoint: server.origin,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return {
    server,
    load: makePlatformSecret({ secretArn: ARN, client }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

test('the platform secret is asked for by its ARN', async () => {
  await using it = await startSecretsManager(JSON.stringify({ master: MASTER }));
  expect(await it.load()).toBe(MASTER);
  expect(it.server.received).toHaveLength(1);
  expect(it.server.received[0]?.headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
  expect(JSON.parse(it.server.received[0]?.body ?? '')).toEqual({ SecretId: ARN });
});

test.each([undefined, '', MASTER, '{}', '{"master": 1}', '{"master": "hunter2"}', '["master"]'])(
  'a platform secret that says %j is a fault that does not quote it',
  async (text) => {
    await using it = await startSecretsManager(text);
    const fault: Error = await it.load().then(
      () => new Error('it was accepted'),
      (error: Error) => error,
    );
    expect(fault.message).toContain('The platform secret must be');
    expect(fault.message).not.toContain('hunter2');
  },
);
