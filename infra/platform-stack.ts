// The platform as one stack: composition, who may start and wake runs, and outputs. What each part is, its own file says.

import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import {
  DELIVER_TIMEOUT_SECONDS,
  QUEUE_DELAY_MAX_SECONDS,
  WORK_TIMEOUT_SECONDS,
  WORK_VISIBILITY_SECONDS,
} from '../lambdas/core/limits.ts';
import { Advance } from './advance.ts';
import { sendAlarms } from './alarms.ts';
import { Api } from './api.ts';
import { CodeNodes } from './code.ts';
import type { PlatformContext } from './context.ts';
import { Overview } from './dashboard.ts';
import { Deliver } from './deliver.ts';
import { FlowBoundary } from './flow-boundary.ts';
import { describeData, type PlatformOptions } from './options.ts';
import { PlatformQueue } from './queue.ts';
import { Storage } from './storage.ts';
import { Sweep } from './sweep.ts';
import { Work } from './work.ts';

export interface PlatformStackProps extends StackProps {
  options: PlatformOptions;
  /** Directory that holds one bundle per function. */
  bundles: string;
}

export class PlatformStack extends Stack {
  constructor(scope: Construct, id: string, { options, bundles, ...props }: PlatformStackProps) {
    super(scope, id, { description: 'Errand, a serverless async task platform', ...props });
    const context: PlatformContext = {
      options,
      bundles,
      storage: new Storage(this, 'Storage', describeData(options)),
      runs: this.runsQueue(),
      deliveries: this.deliveriesQueue(),
      code: new CodeNodes(this, 'Code', { bundles, options }),
    };
    const advance = new Advance(this, 'Advance', { context });
    const { stateMachineArn: machineArn } = advance.machine;
    const api = new Api(this, 'Api', { context, machineArn });
    const work = new Work(this, 'Work', { context, machineArn });
    const deliver = new Deliver(this, 'Deliver', { context });
    const sweep = new Sweep(this, 'Sweep', { context, machineArn });
    advance.grantStart(api.function, work.function, sweep.function);
    advance.grantWake(api.function, work.function, advance.function, sweep.function);

    const functions = {
      api: api.function,
      work: work.function,
      advance: advance.function,
      deliver: deliver.function,
      sweep: sweep.function,
    };
    new FlowBoundary(this, 'FlowBoundary', { ...context, machine: advance.machine, functions });
    new Overview(this, 'Overview', { ...context, api, advance, functions });
    if (options.alarmTopicArn) sendAlarms(this, options.alarmTopicArn);
    this.addOutputs(context, { api, sweep });
  }

  private runsQueue(): PlatformQueue {
    return new PlatformQueue(this, 'Runs', {
      visibilitySeconds: WORK_VISIBILITY_SECONDS,
      // A delayed message is at most this old when it is first received.
      backlogSeconds: QUEUE_DELAY_MAX_SECONDS + WORK_TIMEOUT_SECONDS,
      backlogImpact: 'Async runs stay pending: they are accepted faster than they are worked on.',
      deadLetterImpact: 'A queued run crashed its worker again and again; it ends as failed with run-crashed.',
    });
  }

  private deliveriesQueue(): PlatformQueue {
    return new PlatformQueue(this, 'Deliveries', {
      visibilitySeconds: 6 * DELIVER_TIMEOUT_SECONDS,
      backlogSeconds: QUEUE_DELAY_MAX_SECONDS + DELIVER_TIMEOUT_SECONDS,
      backlogImpact: 'Webhooks are delivered late: runs end faster than their webhooks are called.',
      deadLetterImpact:
        'A webhook is delivered late: its message failed again and again, and the sweeper enqueues it again.',
    });
  }

  private addOutputs({ storage, runs, deliveries }: PlatformContext, { api, sweep }: { api: Api; sweep: Sweep }): void {
    const { restApi } = api;
    // Without a slash at its end, since paths are appended to it.
    const ownUrl = `https://${restApi.restApiId}.execute-api.${this.region}.${this.urlSuffix}/${restApi.deploymentStage.stageName}`;
    new CfnOutput(this, 'ApiUrl', {
      value: restApi.domainName ? `https://${restApi.domainName.domainName}` : ownUrl,
    });
    if (restApi.domainName) {
      // Point the domain's DNS record here.
      new CfnOutput(this, 'DomainTarget', { value: restApi.domainName.domainNameAliasDomainName });
    }
    // For the commands of docs/runbook.md.
    new CfnOutput(this, 'RuntimeTableName', { value: storage.runtime.tableName });
    new CfnOutput(this, 'CatalogTableName', { value: storage.catalog.tableName });
    new CfnOutput(this, 'PayloadBucketName', { value: storage.payloads.bucketName });
    new CfnOutput(this, 'RunsDeadLettersArn', { value: runs.deadLetters.queueArn });
    new CfnOutput(this, 'DeliveriesDeadLettersArn', { value: deliveries.deadLetters.queueArn });
    // Creates the first tenant and key, see docs/runbook.md.
    new CfnOutput(this, 'SweepFunctionName', { value: sweep.function.lambda.functionName });
  }
}
