// A queue of doorbells: messages carry ids only, the runtime table is the truth. Owns the queue, its dead-letter queue
// and their alarms; the verb that answers the bell adds the event source.

import { Duration } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { MAX_CRASHES, RUN_CEILING_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnBacklog, alarmOnDeadLetters } from './alarms.ts';

export interface DoorbellProps {
  /** At least six times the timeout of the function that answers. */
  visibilitySeconds: number;
  /** A message older than this means that nobody answers in time. */
  backlogSeconds: number;
  /** What users notice when messages wait too long. */
  backlogImpact: string;
  /** What users notice when a message could not be worked on at all. */
  deadLetterImpact: string;
}

export class Doorbell extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: DoorbellProps) {
    super(scope, id);
    const secured = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...secured, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, 'Queue', {
      ...secured,
      visibilityTimeout: Duration.seconds(props.visibilitySeconds),
      // A run has ended by then, so its bell has nothing left to say.
      retentionPeriod: Duration.seconds(RUN_CEILING_SECONDS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_CRASHES },
    });
    alarmOnDeadLetters(this, this.deadLetters, props.deadLetterImpact);
    alarmOnBacklog(this, this.queue, { oldestSeconds: props.backlogSeconds, impact: props.backlogImpact });
  }

  grantRing(grantee: IGrantable): void {
    const statement = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] });
    grantee.grantPrincipal.addToPrincipalPolicy(statement);
  }
}
