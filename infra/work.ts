// The verb work: receives the messages of queued runs and runs their first slice, several runs per invocation.

import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { WORK_MAX_CONCURRENCY, WORK_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnCrashedRuns, alarmOnFailedMessages } from './alarms.ts';
import { grantSlices, type PlatformContext, shareConcurrency, sliceEnvironment } from './context.ts';
import { PlatformFunction } from './function.ts';

export interface WorkProps {
  context: PlatformContext;
  machineArn: string;
}

export class Work extends Construct {
  readonly function: PlatformFunction<'work'>;

  constructor(scope: Construct, id: string, { context, machineArn }: WorkProps) {
    super(scope, id);
    const { options, storage, runs } = context;
    this.function = new PlatformFunction(this, 'Function', {
      name: 'work',
      description: 'Claims queued runs and runs their first slice',
      bundles: context.bundles,
      environment: {
        ...sliceEnvironment(context),
        MACHINE_ARN: machineArn,
        MACHINE_MODE: options.machineMode,
      },
      timeoutSeconds: WORK_TIMEOUT_SECONDS,
      memoryMb: options.workerMemoryMb,
      impact: 'Async runs start late: they stay pending until the queue or the sweeper tries them again.',
    });
    this.function.lambda.addEventSource(
      new SqsEventSource(runs.queue, {
        batchSize: options.workerBatchSize,
        maxConcurrency: shareConcurrency(context, WORK_MAX_CONCURRENCY),
        reportBatchItemFailures: true,
      }),
    );
    grantSlices(context, this.function);
    storage.grantCatalogRead(this.function);
    const { stage } = options;
    alarmOnCrashedRuns(this, { service: 'work', stage });
    const impact = 'Async runs start late: claiming them or handing them off fails.';
    alarmOnFailedMessages(this, { service: 'work', stage, impact });
  }
}
