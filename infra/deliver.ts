// The verb deliver: calls webhooks, each delivery on its own.

import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { DELIVER_BATCH_SIZE, DELIVER_MAX_CONCURRENCY, DELIVER_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnCount, alarmOnFailedMessages } from './alarms.ts';
import { type PlatformContext, platformEnvironment, shareConcurrency } from './context.ts';
import { PlatformFunction } from './function.ts';

export interface DeliverProps {
  context: PlatformContext;
}

export class Deliver extends Construct {
  readonly function: PlatformFunction<'deliver'>;

  constructor(scope: Construct, id: string, { context }: DeliverProps) {
    super(scope, id);
    const { storage, deliveries } = context;
    this.function = new PlatformFunction(this, 'Function', {
      name: 'deliver',
      description: 'Calls webhooks when runs have ended',
      bundles: context.bundles,
      environment: platformEnvironment(context),
      timeoutSeconds: DELIVER_TIMEOUT_SECONDS,
      memoryMb: 256,
      impact: 'Webhooks are delivered late; no delivery is lost, the sweeper enqueues each again.',
    });
    this.function.lambda.addEventSource(
      new SqsEventSource(deliveries.queue, {
        batchSize: DELIVER_BATCH_SIZE,
        maxConcurrency: shareConcurrency(context, DELIVER_MAX_CONCURRENCY),
        reportBatchItemFailures: true,
      }),
    );
    // It calls addresses that callers choose, so it may do less than any other function.
    storage.grantRuntime(this.function);
    storage.grantCatalogRead(this.function);
    storage.grantPayloads(this.function);
    storage.grantSecret(this.function);
    deliveries.grantSend(this.function);
    alarmOnFailedMessages(this, {
      service: 'deliver',
      stage: context.options.stage,
      impact: 'Webhooks are delivered late: their messages fail before an attempt is made.',
    });
    alarmOnCount(this, 'Exhausted', {
      metric: 'DeliveryExhausted',
      service: 'deliver',
      stage: context.options.stage,
      impact: 'A webhook was not delivered: its receiver failed at every attempt for a day.',
      runbook: 'delivery-exhausted',
    });
  }
}
