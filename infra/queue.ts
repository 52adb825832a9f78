// A queue whose messages are hints: they carry ids only, the runtime table is the truth. Owns the queue, its dead-letter
// queue and their alarms; the verb that receives the messages adds the event source.

import { Duration } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { MAX_CRASHES, RUN_CEILING_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnBacklog, alarmOnDeadLetters } from './alarms.ts';

// SQS asks KMS once in this time and not for every message, which would cost more than the message.
const KEY_REUSE = Duration.hours(1);

export interface PlatformQueueProps {
  /** Encrypts the messages; without one, a key of SQS does. */
  key: IKey | undefined;
  /** At least six times the timeout of the function that receives the messages. */
  visibilitySeconds: number;
  /** A message older than this means that they are not received in time. */
  backlogSeconds: number;
  /** What users notice when messages wait too long. */
  backlogImpact: string;
  /** What users notice when a message could not be worked on at all. */
  deadLetterImpact: string;
}

export class PlatformQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: PlatformQueueProps) {
    super(scope, id);
    const secured = {
      enforceSSL: true,
      ...(props.key
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: props.key, dataKeyReuse: KEY_REUSE }
        : { encryption: QueueEncryption.SQS_MANAGED }),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', { ...secured, retentionPeriod: Duration.days(14) });
    this.queue = new Queue(this, 'Queue', {
      ...secured,
      visibilityTimeout: Duration.seconds(props.visibilitySeconds),
      // A run has ended by then, so its message is of no use.
      retentionPeriod: Duration.seconds(RUN_CEILING_SECONDS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: MAX_CRASHES },
    });
    alarmOnDeadLetters(this, this.deadLetters, props.deadLetterImpact);
    alarmOnBacklog(this, this.queue, { oldestSeconds: props.backlogSeconds, impact: props.backlogImpact });
  }

  grantSend(grantee: IGrantable): void {
    const statement = new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] });
    grantee.grantPrincipal.addToPrincipalPolicy(statement);
  }
}
