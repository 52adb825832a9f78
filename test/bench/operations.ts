// What asynchronous runs ask of AWS, counted over the wire while a platform in this process runs them.
// The counts are the same on every machine; what they cost belongs to sections/cost.ts.

import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { callWire } from '../../local/emulators/wire.ts';
import { type Runtime, startRuntime } from '../../local/runtime.ts';
import { type ApiClient, demoClient } from '../support/api-client.ts';
import { startDynamoDb } from '../support/dynamodb.ts';
import { submitAsync, times } from './drive.ts';
import { type DynamoDbProxy, type Spent, startDynamoDbProxy } from './dynamodb-proxy.ts';
import { publishThreeNodes } from './platform.ts';
import { countServiceRequests, type ServiceRequests } from './service-requests.ts';
import { startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export interface Operations {
  runs: number;
  /** Of DynamoDB, by operation and rows, without what is read into caches. */
  dynamodb: Map<string, Spent>;
  writeUnits: number;
  readUnits: number;
  /** What processes read now and then and keep for a while, however many runs there are. */
  cacheReadUnits: number;
  sqs: Map<string, number>;
  s3Requests: number;
  stateTransitions: number;
  invocations: Map<string, number>;
  logBytes: number;
  /** In the runtime table and its indexes. */
  storedBytes: number;
}

export interface Load {
  runs: number;
  width: number;
}

export interface CountedPlatform extends AsyncDisposable {
  runtime: Runtime;
  /**
   * Runs so many, `width` at once, and counts until the last webhook is delivered and its message is deleted. `width` stays
   * below the tenant's concurrency: a run that waits for a slot costs more, which is another figure.
   */
  count(load: Load): Promise<Operations>;
}

const CACHED = /^GetItem (KEY|TEN|PLAN|WEBHOOKSECRETS)$|^UpdateItem KEY$/;
// The sweeper looks once a minute whether there are runs or not, and a slice looks at its run every two seconds.
const BY_THE_CLOCK = ['Query index due', 'GetItem RUN, eventually'];
const IDLE_POLL_MS = 20;

export async function startCountedPlatform(): Promise<CountedPlatform> {
  await using starting = new AsyncDisposableStack();
  const server = await startDynamoDb();
  starting.defer(() => server.stop());
  const proxy = starting.use(await startDynamoDbProxy(server.endpoint));
  const invocations = new Map<string, number>();
  const runtime = await startBehind(proxy, (name) => invocations.set(name, (invocations.get(name) ?? 0) + 1));
  starting.defer(() => runtime.kill());
  const requests = starting.use(countServiceRequests(runtime.endpoints));
  const receiver = starting.use(await startWebhookReceiver());
  const api = await demoClient(runtime);
  await publishThreeNodes(api);
  const platform = { runtime, proxy, requests, receiver, api, invocations };
  const running = starting.move();
  return { runtime, count: (load) => count(platform, load), [Symbol.asyncDispose]: () => running.disposeAsync() };
}

interface Platform {
  runtime: Runtime;
  proxy: DynamoDbProxy;
  requests: ServiceRequests;
  receiver: WebhookReceiver;
  api: ApiClient;
  invocations: Map<string, number>;
}

/** The runtime takes its DynamoDB from the environment, so the proxy needs no option there. */
async function startBehind(proxy: DynamoDbProxy, onInvoked: (functionName: string) => void): Promise<Runtime> {
  const before = process.env['ERRAND_DYNAMODB_ENDPOINT'];
  process.env['ERRAND_DYNAMODB_ENDPOINT'] = proxy.endpoint;
  try {
    return await startRuntime({ port: 0, stateDir: null, onInvocation: (it) => onInvoked(it.functionName) });
  } finally {
    if (before === undefined) delete process.env['ERRAND_DYNAMODB_ENDPOINT'];
    else process.env['ERRAND_DYNAMODB_ENDPOINT'] = before;
  }
}

async function count(platform: Platform, load: Load): Promise<Operations> {
  const { runtime, proxy, requests, invocations } = platform;
  // Caches, connections and environments are there before counting begins.
  await run(platform, { runs: 2 * load.width, width: load.width });
  for (const account of [proxy.account, requests.account, invocations]) account.clear();
  const before = await kept(runtime);
  await run(platform, load);
  const after = await kept(runtime);
  const lines = [...proxy.account].filter(([line]) => !BY_THE_CLOCK.includes(line));
  const perRun = lines.filter(([line]) => !CACHED.test(line));
  const sum = (of: [string, Spent][], unit: keyof Spent) => of.reduce((total, [, spent]) => total + spent[unit], 0);
  const named = (prefix: string) => new Map([...requests.account].filter(([line]) => line.startsWith(prefix)));
  return {
    runs: load.runs,
    dynamodb: new Map(perRun),
    writeUnits: sum(perRun, 'writeUnits'),
    readUnits: sum(perRun, 'readUnits'),
    cacheReadUnits: sum(lines, 'readUnits') - sum(perRun, 'readUnits'),
    sqs: named('SQS'),
    s3Requests: [...named('S3').values()].reduce((total, it) => total + it, 0),
    invocations: new Map(invocations),
    stateTransitions: after.stateTransitions - before.stateTransitions,
    logBytes: after.logBytes - before.logBytes,
    storedBytes: after.storedBytes - before.storedBytes,
  };
}

let batches = 0;

async function run(platform: Platform, { runs, width }: Load): Promise<void> {
  const batch = ++batches;
  await times({ count: runs, width }, async (index) => {
    await (await submitAsync(platform, `${batch}-${index}`)).delivered;
  });
  // A webhook is delivered before its attempt is recorded; the message goes when everything has been written.
  await queuesEmpty(platform.runtime);
}

async function queuesEmpty({ endpoints, blueprint }: Runtime): Promise<void> {
  for (const { url } of blueprint.queues) {
    for (let left = 1; left > 0; ) {
      const { Attributes } = await callWire<{ Attributes: Record<string, string> }>(
        endpoints.queues,
        'AmazonSQS.GetQueueAttributes',
        { QueueUrl: url, AttributeNames: ['All'] },
      );
      const waiting = ['', 'NotVisible', 'Delayed'].map((kind) => Attributes[`ApproximateNumberOfMessages${kind}`]);
      left = waiting.reduce((sum, it) => sum + Number(it ?? 0), 0);
      if (left > 0) await sleep(IDLE_POLL_MS);
    }
  }
}

/** Every state that any execution has entered. */
async function stateTransitions({ endpoints, blueprint }: Runtime): Promise<number> {
  const ask = <Answer>(operation: string, input: object) =>
    callWire<Answer>(endpoints.machines, `AWSStepFunctions.${operation}`, { ...input, maxResults: 1_000 });
  let entered = 0;
  for (const { arn } of blueprint.machines) {
    const listed = await ask<{ executions: { executionArn: string }[] }>('ListExecutions', { stateMachineArn: arn });
    for (const { executionArn } of listed.executions) {
      const { events } = await ask<{ events: { type: string }[] }>('GetExecutionHistory', { executionArn });
      entered += events.filter(({ type }) => type.endsWith('StateEntered')).length;
    }
  }
  return entered;
}

async function kept(runtime: Runtime): Promise<Record<'stateTransitions' | 'logBytes' | 'storedBytes', number>> {
  const { logFile, blueprint, endpoints } = runtime;
  let storedBytes = 0;
  for (const { name, schema } of blueprint.tables) {
    storedBytes += await scannedBytes(endpoints.dynamodb, { TableName: name });
    for (const { IndexName } of schema.GlobalSecondaryIndexes ?? [])
      storedBytes += await scannedBytes(endpoints.dynamodb, { TableName: name, IndexName });
  }
  const logBytes = logFile === null ? 0 : (await stat(logFile)).size;
  return { stateTransitions: await stateTransitions(runtime), logBytes, storedBytes };
}

// A read that may be a little old costs half a unit for each 4 KB.
const BYTES_PER_UNIT = 8_192;

/** The server weighs items as DynamoDB does, so the price of reading them all gives their size. */
async function scannedBytes(endpoint: string, what: object): Promise<number> {
  let units = 0;
  let from: object | undefined;
  do {
    const page = await callWire<{ ConsumedCapacity: { CapacityUnits: number }; LastEvaluatedKey?: object }>(
      endpoint,
      'DynamoDB_20120810.Scan',
      { ...what, ReturnConsumedCapacity: 'TOTAL', ...(from && { ExclusiveStartKey: from }) },
    );
    units += page.ConsumedCapacity.CapacityUnits;
    from = page.LastEvaluatedKey;
  } while (from);
  return units * BYTES_PER_UNIT;
}
