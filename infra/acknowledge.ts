// Grants whose ARN has a `*` in it, acknowledged one by one: each with the reason why it cannot be narrower.

import { Stack, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

export function acknowledgeWildcards(construct: Construct, resources: readonly string[], reason: string): void {
  const stack = Stack.of(construct);
  for (const resource of resources.map((arn) => describeArn(stack, arn)).filter((arn) => arn.includes('*'))) {
    Validations.of(construct).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
  }
}

/** As cdk-nag writes it: `arn:<AWS::Partition>:lambda:…`. */
function describeArn(stack: Stack, arn: string): string {
  const resolved: unknown = stack.resolve(arn);
  if (typeof resolved === 'string') return resolved;
  const { 'Fn::Join': [, parts] = ['', []] } = resolved as { 'Fn::Join'?: [string, (string | { Ref: string })[]] };
  return parts.map((part) => (typeof part === 'string' ? part : `<${part.Ref}>`)).join('');
}
