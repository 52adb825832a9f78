// The verb deliver: tells webhooks, each delivery on its own.

import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Construct } from 'constructs';
import { DELIVER_BATCH_SIZE, DELIVER_MAX_CONCURRENCY, DELIVER_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnCount } from './alarms.ts';
import { platformEnvironment, type Surroundings } from './context.ts';
import { PlatformFunction } from './function.ts';

export interface DeliverProps {
  surroundings: Surroundings;
}

export class Deliver extends Construct {
  readonly function: PlatformFunction<'deliver'>;

  constructor(scope: Construct, id: string, { surroundings }: DeliverProps) {
    super(scope, id);
    const { storage, deliveries } = surroundings;
    this.function = new PlatformFunction(this, 'Function', {
      name: 'deliver',
      description: 'Tells webhooks how runs ended',
      bundles: surroundings.bundles,
      environment: platformEnvironment(surroundings),
      timeoutSeconds: DELIVER_TIMEOUT_SECONDS,
      memoryMb: 256,
      impact: 'Webhooks are told late; no delivery is lost, the sweeper rings for each again.',
    });
    this.function.lambda.addEventSource(
      new SqsEventSource(deliveries.queue, {
        batchSize: DELIVER_BATCH_SIZE,
        maxConcurrency: DELIVER_MAX_CONCURRENCY,
        reportBatchItemFailures: true,
      }),
    );
    // It calls addresses that callers choose, so it may do less than any other function.
    storage.grantRuntime(this.function);
    storage.grantCatalogRead(this.function);
    storage.grantPayloads(this.function);
    storage.grantSecret(this.function);
    deliveries.grantRing(this.function);
    alarmOnCount(this, 'Exhausted', {
      metric: 'DeliveryExhausted',
      service: 'deliver',
      impact: 'A webhook was not told: its receiver failed at every attempt for a day.',
      runbook: 'delivery-exhausted',
    });
  }
}
