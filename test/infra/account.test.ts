// What the first deployment into an account needs: addresses, the account's own settings, and what stays when it fails.

import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { listResources, listStatements, makeBundles, type Resource, synthesize } from '../support/stack.ts';

const bundles = makeBundles();
const prod = synthesize(bundles, { stage: 'prod' });

describe('the address of the API', () => {
  test('has no slash at its end, so that paths can be appended', () => {
    const { Value } = prod.findOutputs('ApiUrl')['ApiUrl'] ?? {};
    const parts = Value['Fn::Join'][1];
    expect(parts[0]).toBe('https://');
    expect(parts.join('')).not.toMatch(/\/$/);
    expect(parts.at(-1)).toEqual({ Ref: expect.stringMatching(/^ApiRestDeploymentStagelive/) });
  });

  test('is that of the domain where there is one', () => {
    const domain = { name: 'flows.example.com', certificateArn: 'arn:aws:acm:eu-west-1:1:certificate/x' };
    const { Value } = synthesize(bundles, { domain }).findOutputs('ApiUrl')['ApiUrl'] ?? {};
    expect(JSON.stringify(Value)).not.toMatch(/\/"[\]}]*$/);
  });
});

describe("the account's role for API Gateway's logs", () => {
  test('is made by default, and stays when the stack goes', () => {
    prod.hasResource('AWS::ApiGateway::Account', { DeletionPolicy: 'Retain' });
  });

  test('is left alone where the account has one, and calls are logged', () => {
    const template = synthesize(bundles, { accessLogs: 'existingRole' });
    template.resourceCountIs('AWS::ApiGateway::Account', 0);
    template.hasResourceProperties('AWS::ApiGateway::Stage', { AccessLogSetting: Match.anyValue() });
  });

  test('is not needed where calls are not logged', () => {
    const template = synthesize(bundles, { accessLogs: 'off' });
    template.resourceCountIs('AWS::ApiGateway::Account', 0);
    template.hasResourceProperties('AWS::ApiGateway::Stage', { AccessLogSetting: Match.absent() });
    expect(listResources(template, 'AWS::Logs::LogGroup').filter(([id]) => id.startsWith('ApiAccessLog'))).toEqual([]);
  });
});

describe('an account with few concurrent executions', () => {
  const readLimits = (concurrency?: number) => {
    const template = synthesize(bundles, { ...(concurrency !== undefined && { concurrency: String(concurrency) }) });
    const sources = listResources(template, 'AWS::Lambda::EventSourceMapping');
    const [[, stage]] = listResources(template, 'AWS::ApiGateway::Stage') as [[string, Resource]];
    return {
      queues: sources.map(([, { Properties }]) => Properties.ScalingConfig.MaximumConcurrency),
      requests: stage.Properties.MethodSettings[0].ThrottlingRateLimit,
    };
  };

  test('leaves more than half of them to callers', () => {
    expect(readLimits(10)).toEqual({ queues: [2, 2], requests: 100 });
    expect(readLimits(50)).toEqual({ queues: [10, 10], requests: 500 });
  });

  test('has nothing to do with other accounts', () => {
    expect(readLimits()).toEqual({ queues: [20, 20], requests: 2_000 });
  });

  test('cannot have fewer than Lambda gives to every account', () => {
    expect(() => readLimits(9)).toThrow(/concurrency/);
  });
});

describe('what holds data', () => {
  const bucket = (template: Template) => template.findResources('AWS::S3::Bucket');

  test('goes with a dev stage, with the objects in it', () => {
    const dev = synthesize(bundles, { stage: 'dev' });
    dev.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    dev.hasResourceProperties('Custom::S3AutoDeleteObjects', { BucketName: { Ref: Object.keys(bucket(dev))[0] } });
    for (const stage of ['prod', 'local']) {
      synthesize(bundles, { stage }).resourceCountIs('Custom::S3AutoDeleteObjects', 0);
    }
  });

  test('stays when another stage goes, but not when its first deployment fails', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::SecretsManager::Secret']) {
      prod.hasResource(type, { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
  });

  test('keeps for a week what somebody has deleted from the bucket', () => {
    prod.hasResourceProperties('AWS::S3::Bucket', {
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: [Match.objectLike({ ExpirationInDays: 31, NoncurrentVersionExpiration: { NoncurrentDays: 7 } })],
      },
    });
  });

  test('is that of the restored tables where the deployment names them; those of the stack stay', () => {
    const template = synthesize(bundles, { stage: 'prod', restoredTables: '{"runtime": "runtime-of-monday"}' });
    template.resourceCountIs('AWS::DynamoDB::Table', 2);
    const variables = listResources(template, 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => Properties.Environment?.Variables.RUNTIME_TABLE ?? [],
    );
    expect(variables).toEqual(Array(5).fill('runtime-of-monday'));
    const granted = JSON.stringify(listStatements(template));
    expect(granted).toContain(':table/runtime-of-monday"');
    expect(granted).toContain(':table/runtime-of-monday/index/due"');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Dimensions: Match.arrayWith([{ Name: 'TableName', Value: 'runtime-of-monday' }]),
    });
  });
});
