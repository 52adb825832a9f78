// What a platform team writes in `cdk.json` or after `-c`, and what it is answered when that is wrong.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { OPTION_NAMES, parseOptions, readOptions } from '../../infra/options.ts';
import { listResources, makeBundles, type Resource, synthesize } from '../support/stack.ts';

const read = (context: Record<string, unknown>) => readOptions(new App({ context }));

describe('a name that was meant as an option is refused, with the option', () => {
  test.each([
    ['workerMemory', 'workerMemoryMb'],
    ['workerMemoryMB', 'workerMemoryMb'],
    ['worker-memory-mb', 'workerMemoryMb'],
    ['Stage', 'stage'],
    ['stageName', 'stage'],
    ['sage', 'stage'],
    ['privateTarget', 'privateTargets'],
    ['alarmTopic', 'alarmTopicArn'],
    ['bedrockModel', 'bedrockModels'],
    ['openAiBaseUrl', 'openaiBaseUrl'],
  ])('%s', (name, option) => {
    expect(() => read({ [name]: 'x' })).toThrow(`'${name}' (did you mean '${option}'?)`);
  });
});

test("the CDK's own context, and that of somebody else, is none of ours", () => {
  const context = {
    '@aws-cdk/core:stackRelativeExports': true,
    'aws:cdk:enable-path-metadata': true,
    'availability-zones:account=1:region=eu-west-1': ['eu-west-1a'],
    tooling: 'x',
    team: 'payments',
  };
  expect(read({ ...context, stage: 'prod' })).toMatchObject({ stage: 'prod' });
});

test.each([
  [{ stage: 'Prod!' }, /stage: use lower-case/],
  [{ workerBatchSize: 11 }, /workerBatchSize/],
  [{ alarmTopicArn: 'alarms' }, /alarmTopicArn/],
  [{ knowledgeBases: { 'hand=book': 'x' } }, /knowledgeBases/],
])('refuses the options %j with a message', (context, message) => {
  expect(() => read(context)).toThrow(message);
});

describe('docs/options.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/options.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (?:`(.+?)`|none) \|/gm)].map(([, name, value]) => ({ name, value }));

  test('has every option once, and no other', () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...OPTION_NAMES].sort());
  });

  test('says what the default of each is', () => {
    const defaults = readOptions(new App()) as Record<string, unknown>;
    for (const { name = '', value } of rows) {
      const is = defaults[name];
      const described = typeof is === 'string' ? is || undefined : is === undefined ? undefined : JSON.stringify(is);
      expect(described, name).toBe(value);
    }
  });

  test('has an example that is right', () => {
    const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '');
    expect(parseOptions(example.context)).toMatchObject({ stage: 'prod', logRetentionDays: 90 });
  });
});

describe('what a company wants of all that it deploys', () => {
  const bundles = makeBundles();
  const boundary = 'arn:aws:iam::123456789012:policy/boundary';
  const template = synthesize(bundles, {
    stage: 'prod',
    logRetentionDays: '90',
    tags: '{"cost-center": "4711"}',
    permissionsBoundaryArn: boundary,
  });

  test('every log is kept as long as it says', () => {
    const days = listResources(template, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties.RetentionInDays);
    expect(new Set(days)).toEqual(new Set([90]));
    expect(() => readOptions(new App({ context: { logRetentionDays: '31' } }))).toThrow(
      /logRetentionDays: use a number/,
    );
  });

  test('every role has its boundary', () => {
    const roles: [string, Resource][] = listResources(template, 'AWS::IAM::Role');
    expect(roles.length).toBeGreaterThan(8);
    for (const [id, { Properties }] of roles) expect(Properties.PermissionsBoundary, id).toBe(boundary);
  });

  test('what costs money has its tags', () => {
    for (const type of ['AWS::DynamoDB::Table', 'AWS::Lambda::Function', 'AWS::SQS::Queue', 'AWS::S3::Bucket']) {
      template.allResourcesProperties(type, { Tags: Match.arrayWith([{ Key: 'cost-center', Value: '4711' }]) });
    }
  });

  test('a firewall is in front of the API where there is one', () => {
    const webAclArn = 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/x/1';
    synthesize(bundles, { webAclArn }).hasResourceProperties('AWS::WAFv2::WebACLAssociation', { WebACLArn: webAclArn });
  });

  test('the API is reached by the endpoints of VPCs alone where it says so', () => {
    const vpcEndpointIds = ['vpce-0123456789abcdef0'];
    synthesize(bundles, { vpcEndpointIds }).hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['PRIVATE'], VpcEndpointIds: vpcEndpointIds },
      Policy: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Condition: { StringNotEquals: { 'aws:SourceVpce': vpcEndpointIds } },
          }),
        ]),
      }),
    });
  });

  test('a private API has no domain of the internet', () => {
    const domain = { name: 'flows.example.com', certificateArn: 'arn:aws:acm:eu-west-1:1:certificate/x' };
    expect(() => parseOptions({ vpcEndpointIds: ['vpce-1'], domain })).toThrow(/domain: a private API/);
  });
});

describe('a platform by its own key, in its own network, traced and warm', () => {
  const bundles = makeBundles();
  const template = synthesize(bundles, {
    stage: 'prod',
    customerManagedKey: 'true',
    tracing: 'true',
    warmThroughput: '{"reads": 20000, "writes": 10000}',
    targetNetwork: '{"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}',
  });
  const [[keyId, key]] = listResources(template, 'AWS::KMS::Key') as [[string, Resource]];
  const listPlatformFunctions = () =>
    listResources(template, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.Environment.Variables.STAGE,
    );

  test('encrypts all that is stored by one key, which rotates and stays', () => {
    expect(key).toMatchObject({ DeletionPolicy: 'Retain', Properties: { EnableKeyRotation: true } });
    const types = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::SecretsManager::Secret'];
    const stored = types.flatMap((type) => listResources(template, type));
    expect(stored).toHaveLength(2 + 1 + 4 + 1);
    for (const [id, { Properties }] of stored) expect(JSON.stringify(Properties), id).toContain(keyId);
  });

  test('lets every function of the platform use it, and no code of flows', () => {
    const using = listResources(template, 'AWS::IAM::Policy').filter(([, { Properties }]) =>
      JSON.stringify(Properties.PolicyDocument).includes('kms:GenerateDataKey'),
    );
    expect(using.map(([id]) => id.replace(/Function.*/, '')).sort()).toEqual([
      'Advance',
      'Api',
      'Deliver',
      'Sweep',
      'Work',
    ]);
  });

  test('runs in the subnets, and the code of flows does not', () => {
    const attached = listResources(template, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties.VpcConfig,
    );
    expect(attached.map(([id]) => id)).toEqual(listPlatformFunctions().map(([id]) => id));
    for (const [, { Properties }] of attached) {
      expect(Properties.VpcConfig).toEqual({ SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'] });
    }
  });

  test('traces its functions and its machine', () => {
    expect(listPlatformFunctions()).toHaveLength(5);
    for (const [, { Properties }] of listPlatformFunctions())
      expect(Properties.TracingConfig).toEqual({ Mode: 'Active' });
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', { TracingConfiguration: { Enabled: true } });
  });

  test('takes a peak from the first request on, in the table and its indexes', () => {
    const warm = { ReadUnitsPerSecond: 20_000, WriteUnitsPerSecond: 10_000 };
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      WarmThroughput: warm,
      GlobalSecondaryIndexes: [Match.objectLike({ WarmThroughput: warm }), Match.objectLike({ WarmThroughput: warm })],
    });
  });
});
