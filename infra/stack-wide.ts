// What a company wants of everything that it deploys: how long logs are kept, tags, a permissions boundary.

import { Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { PlatformOptions } from './options.ts';

/** To all that is in the scope, when it is complete. */
export function applyStackWide(scope: Construct, options: PlatformOptions): void {
  const { logRetentionDays, tags, permissionsBoundaryArn } = options;
  for (const construct of scope.node.findAll()) {
    if (construct instanceof CfnLogGroup) construct.retentionInDays = logRetentionDays;
  }
  for (const [name, value] of Object.entries(tags)) Tags.of(scope).add(name, value);
  if (permissionsBoundaryArn) {
    const boundary = ManagedPolicy.fromManagedPolicyArn(scope, 'Boundary', permissionsBoundaryArn);
    PermissionsBoundary.of(scope).apply(boundary);
  }
}
