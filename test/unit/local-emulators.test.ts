import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GenerateSecret } from '../../local/blueprint/storage.ts';
import { startAwsServer } from '../../local/emulators/aws-server.ts';
import { startDynamoDb } from '../../local/emulators/dynamodb.ts';
import { startQueuesAndBuckets } from '../../local/emulators/queues.ts';
import { generate, openSecrets } from '../../local/emulators/secrets.ts';
import { signHeaders } from '../../local/emulators/signature.ts';
import { createTables, deleteExpired } from '../../local/emulators/tables.ts';
import { callWire } from '../../local/emulators/wire.ts';
import { startEventSources } from '../../local/event-sources.ts';
import { openStateDirectory } from '../../local/state-directory.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'errand-emulators-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a generated secret', () => {
  const how: GenerateSecret = {
    PasswordLength: 24,
    ExcludeCharacters: 'aeiou',
    ExcludeLowercase: false,
    ExcludeUppercase: false,
    ExcludeNumbers: false,
    ExcludePunctuation: true,
    IncludeSpace: false,
    RequireEachIncludedType: true,
  };

  test('has the asked length, each included kind of character and none of the excluded', () => {
    for (let n = 0; n < 200; n++) {
      const secret = generate(how);
      expect(secret).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{24}$/);
      expect(secret).not.toMatch(/[aeiou]/);
    }
    expect(generate(how)).not.toBe(generate(how));
  });

  test('is in its template', () => {
    const secret = generate({ ...how, SecretStringTemplate: '{"version":1}', GenerateStringKey: 'master' });
    expect(JSON.parse(secret)).toEqual({ version: 1, master: expect.stringMatching(/^\w{24}$/) });
  });

  test('is made once, kept for its owner alone, and new without a file', async () => {
    const file = join(directory, 'secrets.json');
    const specs = [{ name: 'Master', arn: 'arn:master', value: how }];
    const [first] = await openSecrets(specs, file);
    const [again] = await openSecrets(specs, file);
    const [fresh] = await openSecrets(specs, null);
    expect(again).toEqual(first);
    expect(fresh?.text).not.toBe(first?.text);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ Master: first?.text });
  });
});

describe('the local table', () => {
  const table = {
    name: 'Marks',
    ttlAttribute: 'ttl',
    schema: {
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' as const }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    },
  };
  const put = (endpoint: string, pk: string, ttl?: number) =>
    callWire(endpoint, 'DynamoDB_20120810.PutItem', {
      TableName: 'Marks',
      Item: { pk: { S: pk }, ...(ttl === undefined ? {} : { ttl: { N: String(ttl) } }) },
    });
  const keys = async (endpoint: string) => {
    const { Items } = await callWire<{ Items: { pk: { S: string } }[] }>(endpoint, 'DynamoDB_20120810.Scan', {
      TableName: 'Marks',
    });
    return Items.map(({ pk }) => pk.S).sort();
  };

  test('loses what is expired and nothing else', async () => {
    const { endpoint, stop } = await startDynamoDb(null);
    await createTables(endpoint, [table]);
    await Promise.all([put(endpoint, 'past', 99), put(endpoint, 'now', 100), put(endpoint, 'kept')]);
    expect(await deleteExpired(endpoint, table, 100)).toBe(1);
    expect(await keys(endpoint)).toEqual(['kept', 'now']);
    await stop();
  });

  test('survives a restart, and a template that gives it other keys is refused', async () => {
    const file = join(directory, 'tables.sqlite');
    const first = await startDynamoDb(file);
    await createTables(first.endpoint, [table]);
    await put(first.endpoint, 'kept');
    await first.stop();

    const { endpoint, stop } = await startDynamoDb(file);
    await createTables(endpoint, [table]);
    expect(await keys(endpoint)).toEqual(['kept']);
    const changed = {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' as const }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    };
    await expect(createTables(endpoint, [{ name: 'Marks', schema: changed }])).rejects.toThrow(
      "The stored table Marks has other keys or indexes than the template; delete the state with 'npm run reset'",
    );
    await stop();
  });
});

describe('the local queue', () => {
  const describeQueue = (endpoint: string, attributes: Record<string, string> = {}) => ({
    name: 'Jobs',
    url: `${endpoint}/000000000000/Jobs`,
    attributes: { VisibilityTimeout: '1', ...attributes },
  });
  const sendTo = (endpoint: string, MessageBody: string) =>
    callWire(endpoint, 'AmazonSQS.SendMessage', { QueueUrl: describeQueue(endpoint).url, MessageBody });

  test('keeps its messages over a restart with other attributes', async () => {
    const stateDir = join(directory, 'queues');
    const first = await startQueuesAndBuckets(stateDir);
    await first.create([describeQueue(first.endpoint)], ['bucket']);
    await sendTo(first.endpoint, 'kept');
    await first.stop();

    const { endpoint, create, stop } = await startQueuesAndBuckets(stateDir);
    await create([describeQueue(endpoint, { VisibilityTimeout: '77' })], ['bucket']);
    const call = (operation: string, input: object) =>
      callWire(endpoint, `AmazonSQS.${operation}`, { QueueUrl: describeQueue(endpoint).url, ...input });
    expect(await call('GetQueueAttributes', { AttributeNames: ['VisibilityTimeout'] })).toMatchObject({
      Attributes: { VisibilityTimeout: '77' },
    });
    expect(await call('ReceiveMessage', {})).toMatchObject({ Messages: [{ Body: 'kept' }] });
    await stop();
  });

  test('hands out every message, in batches, and the failed ones again', async () => {
    const queues = await startQueuesAndBuckets(null);
    const queue = describeQueue(queues.endpoint);
    await queues.create([queue], []);
    const batches: string[][] = [];
    const sources = startEventSources({
      endpoint: queues.endpoint,
      queues: [queue],
      sources: [
        {
          queueArn: 'arn:aws:sqs:us-east-1:000000000000:Jobs',
          functionName: 'Work',
          batchSize: 4,
          batchWindowSeconds: 0,
          maxConcurrency: 2,
          reportsItemFailures: true,
        },
      ],
      async invoke(_name, payload) {
        const { Records } = JSON.parse(payload) as { Records: { body: string; messageId: string }[] };
        const isFirst = batches.length === 0;
        batches.push(Records.map(({ body }) => body));
        const failed = isFirst ? Records.slice(0, 1) : [];
        const batchItemFailures = failed.map(({ messageId }) => ({ itemIdentifier: messageId }));
        return { status: 'succeeded', payload: JSON.stringify({ batchItemFailures }) };
      },
    });
    for (let n = 0; n < 10; n++) await sendTo(queues.endpoint, String(n));
    const failed = () => batches[0]?.[0] ?? '';
    await expect.poll(() => batches.flat().filter((body) => body === failed()).length, { timeout: 5_000 }).toBe(2);
    expect(new Set(batches.flat()).size).toBe(10);
    expect(batches.flat()).toHaveLength(11);
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(4);
    await sources.stop(0);
    await queues.stop();
  });

  const outside = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);

  test.runIf(outside)('is closed to other machines', async () => {
    const { endpoint, stop } = await startQueuesAndBuckets(null);
    const { port } = new URL(endpoint);
    expect((await fetch(`${endpoint}/health`)).status).toBe(403);
    await expect(fetch(`http://${outside?.address}:${port}/health`)).rejects.toThrow();
    await stop();
  });

  test('brings settled messages again when chaos is asked for', async () => {
    const queues = await startQueuesAndBuckets(null);
    const queue = describeQueue(queues.endpoint);
    await queues.create([queue], []);
    let deliveries = 0;
    const sources = startEventSources({
      endpoint: queues.endpoint,
      queues: [queue],
      chaos: { redeliver: 1, shuffle: true },
      sources: [
        {
          queueArn: 'arn:aws:sqs:us-east-1:000000000000:Jobs',
          functionName: 'Work',
          batchSize: 1,
          batchWindowSeconds: 0,
          maxConcurrency: 1,
          reportsItemFailures: false,
        },
      ],
      async invoke() {
        deliveries++;
        return { status: 'succeeded', payload: 'null' };
      },
    });
    await sendTo(queues.endpoint, 'once');
    await expect.poll(() => deliveries).toBeGreaterThan(2);
    await sources.stop(0);
    await queues.stop();
  });
});

describe('the local AWS endpoint', () => {
  const serve = () =>
    startAwsServer({
      secrets: [{ arn: 'arn:master', name: 'Master', text: 'hidden' }],
      has: async (name) => name === 'Work',
      invoke: async (name, payload) => {
        if (name !== 'Work') return undefined;
        if (payload === '"full"') return { status: 'throttled', payload: '' };
        return payload === '"bad"'
          ? { status: 'failed', payload: '{"errorType":"E"}' }
          : { status: 'succeeded', payload };
      },
    });
  const post = (url: string, body = '', headers: Record<string, string> = {}) => {
    const { host: _, ...signed } = signHeaders(url, { region: 'us-east-1', headers, body });
    return fetch(url, { method: 'POST', body, headers: signed });
  };
  const invoke = (endpoint: string, name: string, body: string, headers: Record<string, string> = {}) =>
    post(`${endpoint}/2015-03-31/functions/${encodeURIComponent(name)}/invocations`, body, headers);

  test('invokes functions as Lambda does: now, later, failing, full and unknown', async () => {
    const { endpoint, stop } = await serve();
    const now = await invoke(endpoint, 'Work', '{"a":1}');
    expect([now.status, now.headers.get('x-amz-function-error'), await now.text()]).toEqual([200, null, '{"a":1}']);
    const bad = await invoke(endpoint, 'Work', '"bad"');
    expect([bad.status, bad.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled']);
    const later = { 'x-amz-invocation-type': 'Event' };
    expect((await invoke(endpoint, 'Work', '{}', later)).status).toBe(202);
    expect((await invoke(endpoint, 'Nobody', '{}', later)).status).toBe(404);
    expect((await invoke(endpoint, 'Nobody', '{}')).headers.get('x-amzn-errortype')).toBe('ResourceNotFoundException');
    expect((await invoke(endpoint, 'Work', '"full"')).status).toBe(429);
    await stop();
  });

  test('knows its secrets and refuses whatever else it is asked', async () => {
    const { endpoint, stop } = await serve();
    const secret = (SecretId: string) => callWire(endpoint, 'secretsmanager.GetSecretValue', { SecretId });
    expect(await secret('arn:master')).toMatchObject({ SecretString: 'hidden' });
    await expect(secret('arn:other')).rejects.toThrow('ResourceNotFoundException');
    await expect(callWire(endpoint, 'AWSEvents.PutEvents', {})).rejects.toThrow(
      'not emulated locally: AWSEvents.PutEvents',
    );
    expect((await post(`${endpoint}/model/x/invoke`)).status).toBe(400);
    await stop();
  });
});

describe('a state directory', () => {
  test('is held by one at a time and let go at the end', () => {
    const path = join(directory, 'state');
    const first = openStateDirectory(path);
    expect(() => openStateDirectory(path)).toThrow(`Another Errand runs on ${path}`);
    first.release();
    openStateDirectory(path).release();
  });

  test('that keeps nothing is gone afterwards', async () => {
    const state = openStateDirectory(null);
    expect(state.kept('secrets.json')).toBeNull();
    state.release();
    await expect(stat(state.path)).rejects.toThrow('ENOENT');
  });
});
