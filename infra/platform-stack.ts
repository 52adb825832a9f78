// The platform as a stack of its own, and what the stack prints. What is in it, platform.ts says.

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { PlatformOptions } from './options.ts';
import { composePlatform, type Platform } from './platform.ts';

export interface PlatformStackProps extends StackProps {
  options: PlatformOptions;
  /** Directory that holds one bundle per function. */
  bundles: string;
}

export class PlatformStack extends Stack {
  constructor(scope: Construct, id: string, { options, bundles, ...props }: PlatformStackProps) {
    super(scope, id, { description: 'Errand, a serverless async task platform', ...props });
    this.addOutputs(composePlatform(this, { options, bundles }));
  }

  private addOutputs({ storage, runs, deliveries, api, sweep }: Platform): void {
    new CfnOutput(this, 'ApiUrl', { value: api.url });
    const { domainName } = api.restApi;
    // Point the domain's DNS record here.
    if (domainName) new CfnOutput(this, 'DomainTarget', { value: domainName.domainNameAliasDomainName });
    // For the commands of docs/runbook.md.
    new CfnOutput(this, 'RuntimeTableName', { value: storage.runtime.tableName });
    new CfnOutput(this, 'CatalogTableName', { value: storage.catalog.tableName });
    new CfnOutput(this, 'PayloadBucketName', { value: storage.payloads.bucketName });
    new CfnOutput(this, 'RunsDeadLettersArn', { value: runs.deadLetters.queueArn });
    new CfnOutput(this, 'DeliveriesDeadLettersArn', { value: deliveries.deadLetters.queueArn });
    // Creates the first tenant and key.
    new CfnOutput(this, 'SweepFunctionName', { value: sweep.function.lambda.functionName });
  }
}
