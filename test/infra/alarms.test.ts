// Each alarm on a count of our own fires: its cause happens in the real functions and the real core, and the metric that
// the log then writes is the one that the alarm watches. Metrics of AWS itself are checked against what AWS documents.

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';
import { advanceRun } from '../../lambdas/core/advance.ts';
import { deliver } from '../../lambdas/core/deliver/deliver.ts';
import { WEBHOOK_SHAPES } from '../../lambdas/core/dialects/webhook-shapes.ts';
import { LEASE_SECONDS, MAX_CRASHES, WEBHOOK_SCHEDULE_SECONDS } from '../../lambdas/core/limits.ts';
import { HttpFault } from '../../lambdas/core/ports/http.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { METRIC_NAMESPACE } from '../../lambdas/env.ts';
import { makeLog } from '../../lambdas/log.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { listResources, makeBundles, type Resource, synthesize } from '../support/stack.ts';

const STAGE = 'prod';
const bundles = makeBundles();
const alarms: [string, Resource][] = listResources(synthesize(bundles, { stage: STAGE }), 'AWS::CloudWatch::Alarm');
const findAlarm = (prefix: string): Resource => alarms.find(([id]) => id.startsWith(prefix))?.[1].Properties;
const readDimensions = ({ Dimensions }: Resource): Record<string, unknown> =>
  Object.fromEntries(Dimensions.map(({ Name, Value }: Resource) => [Name, Value]));

interface Published {
  name: string;
  namespace: string;
  dimensions: Record<string, unknown>;
  value: number;
}

/** What was written to the log since the last look, as CloudWatch extracts it. */
function readPublished(written: string[]): Published[] {
  return written.splice(0).flatMap((line) => {
    const { _aws, ...fields } = JSON.parse(line);
    if (!_aws) return [];
    return _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }: Resource) =>
      Dimensions.flatMap((names: string[]) =>
        Metrics.map(({ Name }: Resource) => ({
          name: Name,
          namespace: Namespace,
          dimensions: Object.fromEntries(names.map((name) => [name, fields[name]])),
          value: [fields[Name]].flat().reduce((sum: number, it: number) => sum + it, 0),
        })),
      ),
    );
  });
}

const written: string[] = [];
beforeAll(() => {
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text: unknown) => {
      written.push(
        ...String(text)
          .split('\n')
          .filter((line) => line.startsWith('{')),
      );
      return true;
    });
  }
});
afterEach(() => {
  written.length = 0;
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function expectToFire(alarm: string): void {
  const watched = findAlarm(alarm);
  expect(watched, alarm).toBeDefined();
  const seen = readPublished(written).filter(
    ({ name, namespace, dimensions }) =>
      name === watched.MetricName &&
      namespace === watched.Namespace &&
      JSON.stringify(Object.entries(dimensions).sort()) ===
        JSON.stringify(Object.entries(readDimensions(watched)).sort()),
  );
  const sum = seen.reduce((total, { value }) => total + value, 0);
  expect(watched.ComparisonOperator).toBe('GreaterThanOrEqualToThreshold');
  expect(sum, alarm).toBeGreaterThanOrEqual(watched.Threshold);
}

const FLOW = 'flow: 1\nname: one\nnodes:\n  a: { type: set, with: { values: { n: 1 } } }\n';
const makeCountedPlatform = (serviceName: string, overrides = {}): Promise<MemoryPlatform> =>
  makePlatform({ log: makeLog({ serviceName, stage: STAGE }), ...overrides });

describe('messages that fail', () => {
  const VARIABLES = {
    STAGE,
    RUNTIME_TABLE: 'runtime',
    CATALOG_TABLE: 'catalog',
    PAYLOAD_BUCKET: 'payloads',
    RUNS_QUEUE_URL: 'http://127.0.0.1:9/1/runs',
    DELIVERIES_QUEUE_URL: 'http://127.0.0.1:9/1/deliveries',
    PLATFORM_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:1:secret:x',
    PRIVATE_TARGETS: 'none',
    CODE_NODE_FUNCTION: 'code-node',
    CODE_PYTHON_FUNCTION: 'code-python',
    CODE_ISOLATION: 'tenant',
    OPENAI_BASE_URL: '',
    OPENAI_KEY_SECRET_ARN: '',
    BEDROCK_MODELS: '',
    KNOWLEDGE_BASES: '',
    MACHINE_ARN: 'arn:aws:states:eu-west-1:1:stateMachine:x',
    MACHINE_MODE: 'onDemand',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_MAX_ATTEMPTS: '1',
    // Nobody listens there: AWS is away.
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
  };
  const RUN = '018f4e3a-7b6c-7d8e-9f01-23456789abcd';
  const toRecords = (body: object) =>
    Array.from({ length: 5 }, (_, n) => ({ messageId: `m${n}`, body: JSON.stringify(body) }));

  test.each([
    ['work', { runId: RUN }, 'WorkFailedMessages'],
    ['deliver', { run: RUN, n: 1 }, 'DeliverFailedMessages'],
  ])('of %s are counted, though the function itself succeeds', async (name, body, alarm) => {
    for (const [variable, value] of Object.entries(VARIABLES)) vi.stubEnv(variable, value);
    const { handler } = await import(`../../lambdas/${name}.ts`);
    const { batchItemFailures } = await handler({ Records: toRecords(body) });
    expect(batchItemFailures).toHaveLength(5);
    expectToFire(alarm);
  });
});

test('repairs that fail are counted', async () => {
  const platform = await makeCountedPlatform('sweep');
  for (const _ of Array(3)) await platform.accept(FLOW);
  platform.clock.advance(31_000);
  platform.ports.queues.enqueueRuns = () => Promise.reject(new Error('SQS is away'));
  await sweep(platform.ports, { untilMs: platform.clock.now() + 1_000 });
  expectToFire('SweepFailedRepairs');
});

describe('a run that crashes its workers', () => {
  /** As many workers take it, and none of them lives. */
  async function crash({ ports, clock, accept }: MemoryPlatform, times: number): Promise<string> {
    const { id } = await accept(FLOW);
    for (let n = 0; n < times; n += 1) {
      const now = clock.now();
      await ports.runs.claim(id, { now, leaseUntil: now + LEASE_SECONDS * 1_000 });
      clock.advance(LEASE_SECONDS * 2_000);
    }
    return id;
  }

  test('is ended and counted by the sweeper', async () => {
    const platform = await makeCountedPlatform('sweep');
    const id = await crash(platform, MAX_CRASHES);
    await sweep(platform.ports, { untilMs: platform.clock.now() + 1_000 });
    expect(await platform.runs.get(id)).toMatchObject({ status: 'failed' });
    expectToFire('SweepCrashed');
  });

  test('is ended and counted by the worker', async () => {
    const platform = await makeCountedPlatform('work');
    const runId = await crash(platform, MAX_CRASHES);
    await workRun(platform.ports, { runId, budgetUntil: platform.clock.now() + 90_000 });
    expectToFire('WorkCrashed');
  });

  test('is ended and counted by advance', async () => {
    const platform = await makeCountedPlatform('advance');
    const runId = await crash(platform, MAX_CRASHES);
    await advanceRun(platform.ports, { runId, handoff: 0, budgetUntil: platform.clock.now() + 90_000 });
    expectToFire('AdvanceCrashed');
  });
});

test('a webhook that nobody takes is counted', async () => {
  const send = () => Promise.reject(new HttpFault('connect', 'nobody listens'));
  const platform = await makeCountedPlatform('deliver', { http: { check: () => undefined, send } });
  const { ports, clock } = platform;
  const webhooks = [{ url: 'https://hooks.example.com/x', method: 'POST' as const, headers: {} }];
  const { id } = await platform.accept(FLOW, { webhooks });
  await workRun(ports, { runId: id, budgetUntil: clock.now() + 90_000 });
  for (const _ of WEBHOOK_SCHEDULE_SECONDS) {
    await deliver(ports, { run: id, n: 1 }, WEBHOOK_SHAPES);
    clock.advance(24 * 60 * 60_000);
  }
  expectToFire('DeliverExhausted');
});

test('every alarm on a count of our own is among these', () => {
  const own = alarms.filter(([, { Properties }]) => Properties.Namespace === METRIC_NAMESPACE).map(([id]) => id);
  const proven = ['AdvanceCrashed', 'DeliverExhausted', 'DeliverFailedMessages', 'SweepCrashed', 'SweepFailedRepairs'];
  expect(own.map((id) => id.replace(/[0-9A-F]{8}$/, '')).sort()).toEqual([
    ...proven,
    'WorkCrashed',
    'WorkFailedMessages',
  ]);
});

describe('an alarm on a metric of AWS', () => {
  // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html and the same page of each service.
  const DOCUMENTED: Record<string, Record<string, string[]>> = {
    'AWS/Lambda': { Errors: ['FunctionName'], Throttles: ['FunctionName'], Invocations: ['FunctionName'] },
    'AWS/SQS': { ApproximateNumberOfMessagesVisible: ['QueueName'], ApproximateAgeOfOldestMessage: ['QueueName'] },
    'AWS/ApiGateway': { '5XXError': ['ApiName'] },
    'AWS/States': {
      ExecutionsFailed: ['StateMachineArn'],
      ExecutionsTimedOut: ['StateMachineArn'],
      ExecutionsAborted: ['StateMachineArn'],
      ExecutionThrottled: ['StateMachineArn'],
      ThrottledEvents: ['APIName'],
    },
    'AWS/DynamoDB': {
      ReadThrottleEvents: ['TableName', 'GlobalSecondaryIndexName'],
      WriteThrottleEvents: ['TableName', 'GlobalSecondaryIndexName'],
    },
  };
  const theirs = alarms.filter(([, { Properties }]) => Properties.Namespace !== METRIC_NAMESPACE);

  test('names one metric that there is, by dimensions that it has', () => {
    expect(theirs.length).toBeGreaterThan(25);
    for (const [id, { Properties }] of theirs) {
      const dimensions = DOCUMENTED[Properties.Namespace]?.[Properties.MetricName];
      expect(dimensions, `${id}: ${Properties.Namespace} ${Properties.MetricName}`).toBeDefined();
      for (const name of Object.keys(readDimensions(Properties))) expect(dimensions, id).toContain(name);
    }
  });

  test('adds no metrics up: a sum has no value while one of them has none', () => {
    for (const [id, { Properties }] of alarms) expect(Properties.Metrics, id).toBeUndefined();
  });

  test('watches the API of its own stage: API Gateway counts by the name of the API', () => {
    const readName = (stage: string): string => {
      const app = new App({ context: { stage }, builtinCloudFormationValidation: false });
      const stack = new PlatformStack(app, `Errand-${stage}`, { options: readOptions(app), bundles });
      const [[, { Properties }]] = listResources(Template.fromStack(stack), 'AWS::ApiGateway::RestApi') as [
        [string, Resource],
      ];
      const watched = listResources(Template.fromStack(stack), 'AWS::CloudWatch::Alarm').find(([id]) =>
        id.startsWith('ApiFaults'),
      );
      expect(readDimensions(watched?.[1].Properties)).toEqual({ ApiName: Properties.Name });
      return Properties.Name;
    };
    expect(readName('blue')).not.toBe(readName('green'));
  });

  test('watches reads and writes of both tables and of each index', () => {
    const places = theirs
      .filter(([, { Properties }]) => Properties.Namespace === 'AWS/DynamoDB')
      .map(
        ([, { Properties }]) => `${Properties.MetricName} ${readDimensions(Properties)['GlobalSecondaryIndexName']}`,
      );
    const expected = ['list', 'due', undefined, undefined].flatMap((index) => [
      `ReadThrottleEvents ${index}`,
      `WriteThrottleEvents ${index}`,
    ]);
    expect(places.sort()).toEqual(expected.sort());
  });
});
