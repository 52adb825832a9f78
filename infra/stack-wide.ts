// What a company wants of everything that it deploys: how long logs are kept, tags, a permissions boundary, traces, and
// the network and the key that its functions use.

import { Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';
import { PlatformFunction } from './function.ts';
import { INTERFACE_ACTIONS } from './isolated-network.ts';
import type { PlatformOptions } from './options.ts';
import type { Storage } from './storage.ts';

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
const KEY_ACTIONS = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'];
// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
const TRACE_ACTIONS = ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'];

/** To all that is in the scope, when it is complete. */
export function applyStackWide(scope: Construct, options: PlatformOptions, { key }: Pick<Storage, 'key'>): void {
  const { logRetentionDays, tags, permissionsBoundaryArn } = options;
  for (const construct of scope.node.findAll()) {
    if (construct instanceof CfnLogGroup) construct.retentionInDays = logRetentionDays;
    if (!(construct instanceof PlatformFunction)) continue;
    if (options.tracing) traceCalls(construct);
    if (options.targetNetwork) attach(construct, options.targetNetwork);
    if (key) construct.role.addToPolicy(new PolicyStatement({ actions: KEY_ACTIONS, resources: [key.keyArn] }));
  }
  for (const [name, value] of Object.entries(tags)) Tags.of(scope).add(name, value);
  if (permissionsBoundaryArn) {
    const boundary = ManagedPolicy.fromManagedPolicyArn(scope, 'Boundary', permissionsBoundaryArn);
    PermissionsBoundary.of(scope).apply(boundary);
  }
}

function traceCalls(fn: PlatformFunction<never>): void {
  (fn.lambda.node.defaultChild as CfnFunction).tracingConfig = { mode: 'Active' };
  allowEverywhere(fn, TRACE_ACTIONS, 'X-Ray knows no narrower resource for these.');
}

function attach(fn: PlatformFunction<never>, network: NonNullable<PlatformOptions['targetNetwork']>): void {
  (fn.lambda.node.defaultChild as CfnFunction).vpcConfig = network;
  allowEverywhere(fn, INTERFACE_ACTIONS, 'EC2 knows no narrower resource for these.');
}

function allowEverywhere(fn: PlatformFunction<never>, actions: string[], reason: string): void {
  const resources = ['*'];
  acknowledgeWildcards(fn, resources, reason);
  const statement = new PolicyStatement({ actions, resources });
  fn.role.addToPolicy(statement);
}
