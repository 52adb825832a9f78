// The preflight by the real SDK, against a server that answers as Lambda does.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { preflight } from '../../infra/preflight.ts';

let unreserved = 1_000;
const asked: string[] = [];
const lambda = createServer((request, response) => {
  asked.push(`${request.method} ${request.url}`);
  const limits = { ConcurrentExecutions: 1_000, UnreservedConcurrentExecutions: unreserved };
  response
    .setHeader('content-type', 'application/json')
    .end(JSON.stringify({ AccountLimit: limits, AccountUsage: {} }));
});
let client: LambdaClient;

beforeAll(async () => {
  await new Promise<void>((resolve) => lambda.listen(0, '127.0.0.1', resolve));
  client = new LambdaClient({
    endpoint: `http://127.0.0.1:${(lambda.address() as AddressInfo).port}`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
});
afterAll(() => {
  lambda.close();
  lambda.closeAllConnections();
});

test('is content with an account that has what the stack counts on', async () => {
  unreserved = 1_000;
  expect(await preflight(['-c', 'stage=prod'], client)).toEqual([{ isProblem: false, text: expect.any(String) }]);
  expect(asked).toEqual(['GET /2016-08-19/account-settings']);
});

test('says how to deploy into an account that has less, and how to get more', async () => {
  unreserved = 10;
  const [finding] = await preflight([], client);
  expect(finding?.isProblem).toBe(true);
  expect(finding?.text).toContain('-c concurrency=10,');
  expect(finding?.text).toContain('request-service-quota-increase');
  expect(await preflight(['-c', 'concurrency=10'], client)).toEqual([{ isProblem: false, text: expect.any(String) }]);
});

test('reads the options as a deployment does', async () => {
  await expect(preflight(['-c', 'concurency=10'], client)).rejects.toThrow(/did you mean 'concurrency'/);
});
