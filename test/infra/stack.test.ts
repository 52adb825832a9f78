// Rules of the stack as it is deployed. Code nodes have a file of their own (code.test.ts).

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// @ts-expect-error: it has no types
import validateAsl from 'asl-validator';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';
import {
  API_TIMEOUT_SECONDS,
  DELIVER_TIMEOUT_SECONDS,
  RUN_CEILING_SECONDS,
  WORK_TIMEOUT_SECONDS,
} from '../../lambdas/core/limits.ts';
import { ENVIRONMENTS, type FunctionName } from '../../lambdas/env.ts';

// biome-ignore lint/suspicious/noExplicitAny: a resource is read as whatever the test expects of it
type Resource = any;

const bundles = mkdtempSync(join(tmpdir(), 'errand-infra-'));
const VERBS = Object.keys(ENVIRONMENTS) as FunctionName[];

function makeStack(context: Record<string, unknown> = {}): PlatformStack {
  const app = new App({ context, builtinCloudFormationValidation: false });
  return new PlatformStack(app, 'Errand', { options: readOptions(app), bundles });
}
const synthesized = (context?: Record<string, unknown>) => Template.fromStack(makeStack(context));

let template: Template;
beforeAll(() => {
  for (const name of [...VERBS, 'code-node', 'code-python']) {
    mkdirSync(join(bundles, name));
    writeFileSync(join(bundles, name, 'index.mjs'), '');
  }
  template = synthesized({ stage: 'prod' });
});
afterAll(() => rmSync(bundles, { recursive: true }));

const all = (type: string): [string, Resource][] => Object.entries(template.findResources(type));
const named = (type: string, prefix: string): Resource => all(type).find(([id]) => id.startsWith(prefix))?.[1];
const readStatements = (from: Template, role: string): Resource[] =>
  Object.values<Resource>(from.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => Properties.Roles.some(({ Ref }: Resource) => Ref === role))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
const findFunction = (verb: string): Resource =>
  named('AWS::Lambda::Function', `${verb[0]?.toUpperCase()}${verb.slice(1)}Function`);

const readOrigin = (context: object): string =>
  Object.entries<Resource>(synthesized({ ...context }).findResources('AWS::Lambda::Function')).find(([id]) =>
    id.startsWith('ApiFunction'),
  )?.[1].Properties.Environment.Variables.PUBLIC_ORIGIN;

describe('the API', () => {
  test('has two resources with one method each, streaming for fifteen minutes', () => {
    const methods = all('AWS::ApiGateway::Method').map(([, { Properties }]) => Properties);
    expect(methods.map(({ HttpMethod }) => HttpMethod)).toEqual(['ANY', 'ANY']);
    for (const { Integration } of methods) {
      expect(Integration).toMatchObject({
        ResponseTransferMode: 'STREAM',
        TimeoutInMillis: API_TIMEOUT_SECONDS * 1_000,
      });
    }
    expect(all('AWS::ApiGateway::Resource').map(([, { Properties }]) => Properties.PathPart)).toEqual(['{proxy+}']);
  });

  test('hands every body over as it came, and throttles what floods it', () => {
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { BinaryMediaTypes: ['*/*'] });
    template.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [
        Match.objectLike({ ThrottlingRateLimit: Match.anyValue(), ThrottlingBurstLimit: Match.anyValue() }),
      ],
      AccessLogSetting: Match.anyValue(),
    });
  });

  test('answers in the one error envelope where the gateway itself refuses', () => {
    for (const [, { Properties }] of all('AWS::ApiGateway::GatewayResponse')) {
      expect(Object.values(Properties.ResponseTemplates).join()).toContain('"error"');
    }
    expect(all('AWS::ApiGateway::GatewayResponse').length).toBeGreaterThan(3);
  });

  test('answers 503 with Retry-After while Lambda throttles the function', () => {
    template.hasResourceProperties('AWS::ApiGateway::GatewayResponse', {
      ResponseType: 'DEFAULT_5XX',
      StatusCode: '503',
      ResponseParameters: Match.objectLike({ 'gatewayresponse.header.Retry-After': "'2'" }),
      ResponseTemplates: { 'application/json': Match.stringLikeRegexp('"code":"unavailable"') },
    });
  });

  test('takes a domain of its own, and then no other', () => {
    const context = { domain: { name: 'flows.example.com', certificateArn: 'arn:aws:acm:eu-west-1:1:certificate/x' } };
    synthesized(context).hasResourceProperties('AWS::ApiGateway::RestApi', { DisableExecuteApiEndpoint: true });
    expect(readOrigin(context)).toBe('https://flows.example.com');
    expect(readOrigin({ ...context, publicOrigin: 'https://example.com/x' })).toBe('https://example.com/x');
    expect(readOrigin({})).toBe('');
  });
});

describe.each(VERBS)('the function %s', (verb) => {
  test('runs on Node.js 24 and arm64, with the environment that it reads and no more', () => {
    const { Properties } = findFunction(verb);
    expect(Properties).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], RecursiveLoop: 'Allow' });
    const variables = Object.keys(Properties.Environment.Variables).filter((name) => !name.startsWith('AWS_'));
    expect(variables.sort()).toEqual(Object.keys(ENVIRONMENTS[verb].shape).sort());
  });

  test('keeps its logs for a month, and has alarms for errors and throttles', () => {
    const { Ref } = findFunction(verb).Properties.LoggingConfig.LogGroup;
    expect(template.findResources('AWS::Logs::LogGroup')[Ref]?.['Properties']).toMatchObject({ RetentionInDays: 30 });
    const own = all('AWS::CloudWatch::Alarm').filter(([id]) => id.toLowerCase().startsWith(`${verb}function`));
    expect(own.map(([, { Properties }]) => Properties.MetricName).sort()).toEqual(
      expect.arrayContaining(['Errors', 'Throttles']),
    );
  });
});

test('work and deliver take messages one by one out of a batch, and only the failed come again', () => {
  const sources = all('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
  expect(sources).toHaveLength(2);
  for (const source of sources) {
    expect(source).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'], BatchSize: 10 });
    expect(source.ScalingConfig.MaximumConcurrency).toBe(20);
  }
});

describe('every queue', () => {
  const queues = () => all('AWS::SQS::Queue').map(([, { Properties }]) => Properties);

  test('has a dead-letter queue, and an alarm on it', () => {
    const withDeadLetters = queues().filter(({ RedrivePolicy }) => RedrivePolicy);
    expect(withDeadLetters).toHaveLength(2);
    expect(queues()).toHaveLength(4);
    for (const { RedrivePolicy } of withDeadLetters) expect(RedrivePolicy.maxReceiveCount).toBe(5);
    const alarms = all('AWS::CloudWatch::Alarm').filter(([id]) => id.includes('DeadLettersVisible'));
    expect(alarms).toHaveLength(2);
  });

  test('hides a message for six times as long as its function may take', () => {
    const visible = queues().flatMap(({ VisibilityTimeout }) => VisibilityTimeout ?? []);
    expect(visible.sort()).toEqual([6 * DELIVER_TIMEOUT_SECONDS, 6 * WORK_TIMEOUT_SECONDS].sort());
  });
});

describe('the machine', () => {
  test('is one, of 24 hours, and valid by an independent reader of the language', () => {
    const machines = all('AWS::StepFunctions::StateMachine').map(([, { Properties }]) => Properties);
    expect(machines).toHaveLength(1);
    const [{ DefinitionString }] = machines;
    const text = DefinitionString['Fn::Join'][1]
      .map((part: unknown) => (typeof part === 'string' ? part : 'x'))
      .join('');
    const definition = JSON.parse(text.replaceAll(/"arn:x:states/g, '"arn:aws:states'));
    expect(definition.TimeoutSeconds).toBe(RUN_CEILING_SECONDS);
    expect(validateAsl(definition)).toMatchObject({ isValid: true });
    const { Advance, Park } = definition.States;
    expect(JSON.stringify(Advance.Retry)).toContain('Lambda.TooManyRequestsException');
    expect(Park.Resource).toMatch(/waitForTaskToken$/);
  });
});

describe('the tables', () => {
  test('can be restored to any point in time, and outlive the stack outside of dev stages', () => {
    for (const [, table] of all('AWS::DynamoDB::Table')) {
      expect(table).toMatchObject({ DeletionPolicy: 'Retain', Properties: { DeletionProtectionEnabled: true } });
      expect(table.Properties.PointInTimeRecoverySpecification).toMatchObject({ PointInTimeRecoveryEnabled: true });
      expect(table.Properties.BillingMode).toBe('PAY_PER_REQUEST');
    }
    expect(all('AWS::DynamoDB::Table')).toHaveLength(2);
  });

  test('go with the stack in a dev stage', () => {
    for (const table of Object.values<Resource>(synthesized({ stage: 'dev' }).findResources('AWS::DynamoDB::Table'))) {
      expect(table.DeletionPolicy).toBe('Delete');
    }
  });
});

test('the sweeper runs every minute', () => {
  template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 minute)' });
});

describe('least privilege', () => {
  const readRole = (verb: string): string => findFunction(verb).Properties.Role['Fn::GetAtt'][0];
  const statements = (verb: string): Resource[] =>
    readStatements(template, readRole(verb)).filter(({ Effect }) => Effect === 'Allow');
  const listActions = (verb: string): string[] => statements(verb).flatMap(({ Action }) => Action);

  test('no function may do everything, and none to everything', () => {
    for (const verb of VERBS) {
      expect(listActions(verb).length, verb).toBeGreaterThan(0);
      for (const action of listActions(verb)) expect(action).not.toContain('*');
      for (const { Resource, Action } of statements(verb)) expect(Resource, String(Action)).not.toBe('*');
    }
  });

  test('deliver, which calls addresses that callers choose, changes no tenant, flow or key', () => {
    const writes = statements('deliver').filter(({ Action }) =>
      [Action].flat().some((it: string) => /Put|Update|Delete/.test(it)),
    );
    expect(JSON.stringify(writes)).not.toContain('Catalog');
    expect(listActions('deliver').join()).not.toMatch(/states:|lambda:/);
  });

  test('only those who hand runs over start executions', () => {
    const starters = VERBS.filter((verb) => listActions(verb).includes('states:StartExecution'));
    expect(starters).toEqual(['api', 'work', 'sweep']);
  });

  test('functions may be invoked by flows only where the deployment names them', () => {
    const names = JSON.stringify(synthesized({ invokableFunctions: ['refund-*'] }).findResources('AWS::IAM::Policy'));
    expect(names).toContain('function:refund-*');
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).not.toContain(':function:');
  });
});

describe('knowledge bases', () => {
  const id = 'ABCDEFGHIJ';
  const withBase = () => synthesized({ knowledgeBases: { handbook: id } });

  test('may be searched only by those who run slices, and only where the deployment names them', () => {
    const granted = Object.values<Resource>(withBase().findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => Action === 'bedrock:Retrieve');
    expect(granted).toHaveLength(3);
    for (const { Resource } of granted) expect(JSON.stringify(Resource)).toContain(`:knowledge-base/${id}"`);
    expect(JSON.stringify(template.findResources('AWS::IAM::Policy'))).not.toContain('bedrock:Retrieve');
  });

  test('are in the environment of functions by the names that flows use', () => {
    withBase().hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ KNOWLEDGE_BASES: `handbook=${id}` }) },
    });
  });
});

describe('every alarm', () => {
  const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const sections = [...runbook.matchAll(/^## (\S+)$/gm)].map(([, heading]) => heading);

  test('says what users notice, and names a section of the runbook', () => {
    for (const [id, { Properties }] of all('AWS::CloudWatch::Alarm')) {
      const [, impact, section] = /^(.+\.) See docs\/runbook\.md#(\S+)$/.exec(Properties.AlarmDescription) ?? [];
      expect(impact?.length, id).toBeGreaterThan(20);
      expect(sections, id).toContain(section);
    }
  });

  test('are sent to a topic where there is one', () => {
    const withTopic = synthesized({ alarmTopicArn: 'arn:aws:sns:eu-west-1:1:alarms' });
    for (const { Properties } of Object.values<Resource>(withTopic.findResources('AWS::CloudWatch::Alarm'))) {
      expect(Properties.AlarmActions).toEqual(['arn:aws:sns:eu-west-1:1:alarms']);
    }
  });
});

test('nothing has a physical name, so that two stages live in one account', () => {
  const names = /"(TableName|QueueName|FunctionName|BucketName|StateMachineName|RoleName|AlarmName)":"/;
  const { Resources } = template.toJSON();
  for (const [id, resource] of Object.entries<Resource>(Resources)) {
    if (resource.Type.startsWith('AWS::Lambda::')) continue;
    expect(JSON.stringify(resource.Properties ?? {}), id).not.toMatch(names);
  }
});
