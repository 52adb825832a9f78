// What AWS recommends of a stack, as cdk-nag checks it: every finding is fixed, or answered with the reason why not.

import { App, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';
import { makeBundles } from '../support/stack.ts';

const bundles = makeBundles();

describe('the AWS Solutions checks', () => {
  function runChecks(change: (stack: PlatformStack) => void, context: Record<string, unknown> = {}): () => void {
    const app = new App({ context, builtinCloudFormationValidation: false });
    change(new PlatformStack(app, 'Errand', { options: readOptions(app), bundles }));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    return () => app.synth();
  }

  test('have no finding that is not answered with a reason', () => {
    expect(runChecks(() => {})).not.toThrow();
  });

  test('have none either where every option is used', () => {
    const context = {
      stage: 'prod',
      codeNetwork: 'none',
      codeIsolation: 'call',
      accessLogs: 'off',
      invokableFunctions: ['refund', 'charge-*', 'arn:aws:lambda:eu-west-1:123456789012:function:book-*'],
      bedrockModels: ['jp.amazon.nova-lite-v1:0'],
      restoredTables: { runtime: 'runtime-of-monday', catalog: 'catalog-of-monday' },
      vpcEndpointIds: ['vpce-0123456789abcdef0'],
      webAclArn: 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/x/1',
      alarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:alarms',
      customerManagedKey: true,
      tracing: true,
      targetNetwork: { subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] },
      warmThroughput: { reads: 20_000, writes: 10_000 },
      permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/boundary',
    };
    expect(runChecks(() => {}, context)).not.toThrow();
  });

  test('would find a bucket without protection', () => {
    expect(runChecks((stack) => new Bucket(stack, 'Open'))).toThrow(/AwsSolutions-S10/);
  });
});
