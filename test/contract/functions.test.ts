// The Lambda adapter against the local Lambda endpoint, and against one that is out of order.

import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { makeFunctions } from '../../lambdas/aws/functions.ts';
import { CREDENTIALS } from '../../local/credentials.ts';
import { startAwsServer } from '../../local/emulators/aws-server.ts';
import { createFunctions } from '../../local/functions.ts';
import { startHttpServer } from '../support/http-server.ts';
import { FUNCTION_SOURCES, functionsContract } from './functions.contract.ts';

const makeClient = (endpoint: string) =>
  new LambdaClient({
    endpoint,
    region: 'us-east-1',
    credentials: CREDENTIALS,
    maxAttempts: 1,
  });

functionsContract(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'errand-own-functions-'));
  for (const [name, source] of Object.entries(FUNCTION_SOURCES)) writeFileSync(join(folder, `${name}.mjs`), source);
  const own = createFunctions({
    specs: [],
    ownFolder: folder,
    endpoints: {},
    concurrency: 4,
    logFd: openSync(join(folder, 'log'), 'a'),
  });
  const server = await startAwsServer({
    secrets: [],
    has: own.hasOwn,
    invoke: (name, payload) => own.invokeOwn(name, payload),
  });
  return {
    ...makeFunctions({ client: makeClient(server.endpoint) }),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await own.close();
      rmSync(folder, { recursive: true });
    },
  };
});

test.each([
  [429, 'TooManyRequestsException', true],
  [500, 'ServiceException', true],
  [502, 'EC2ThrottledException', true],
  [403, 'AccessDeniedException', false],
  [400, 'InvalidRequestContentException', false],
])('an answer %i %s of the service is retryable: %s', async (status, type, retryable) => {
  await using server = await startHttpServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': type });
    response.end(JSON.stringify({ Message: 'out of order', message: 'out of order' }));
  });
  const functions = makeFunctions({ client: makeClient(server.origin) });
  const answer = await functions.invoke({ name: 'any', payload: {}, mode: 'response' });
  expect(answer).toEqual({ kind: 'error', type, message: 'out of order', retryable });
});

test('a service that is not there is retryable', async () => {
  const functions = makeFunctions({ client: makeClient('http://127.0.0.1:1') });
  const answer = await functions.invoke({ name: 'any', payload: {}, mode: 'response' });
  expect(answer).toMatchObject({ kind: 'error', retryable: true });
});
