// The verb sweep: every minute, repairs what a crash, a lost message or a lost event left behind.

import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { SWEEP_PERIOD_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnCount, alarmOnCrashedRuns, alarmOnSilence } from './alarms.ts';
import { grantSettling, type PlatformContext, platformEnvironment } from './context.ts';
import { PlatformFunction } from './function.ts';

const SWEEP_PERIOD_MINUTES = SWEEP_PERIOD_SECONDS / 60;

export interface SweepProps {
  context: PlatformContext;
  machineArn: string;
}

export class Sweep extends Construct {
  readonly function: PlatformFunction<'sweep'>;

  constructor(scope: Construct, id: string, { context, machineArn }: SweepProps) {
    super(scope, id);
    this.function = new PlatformFunction(this, 'Function', {
      name: 'sweep',
      description:
        'Repairs stuck and overdue runs, undelivered webhooks and leaked slots; creates the first tenant and key',
      bundles: context.bundles,
      environment: { ...platformEnvironment(context), MACHINE_ARN: machineArn },
      timeoutSeconds: SWEEP_PERIOD_SECONDS,
      memoryMb: 512,
      impact: 'Runs whose worker died, overdue runs and late webhooks stay as they are.',
    });
    grantSettling(context, this.function);
    context.storage.grantCatalog(this.function);
    alarmOnSilence(
      this,
      this.function.lambda,
      'The guarantee is off: a run that lost its worker stays running, and no run expires after 24 hours.',
    );
    const { stage } = context.options;
    alarmOnCrashedRuns(this, { service: 'sweep', stage });
    alarmOnCount(this, 'FailedRepairs', {
      metric: 'RepairFailed',
      service: 'sweep',
      stage,
      threshold: 3,
      impact: 'A run, a webhook or a slot that lost its worker stays as it is: the sweeper fails to repair it.',
      runbook: 'repairs-failed',
    });
    this.runEveryMinute();
  }

  private runEveryMinute(): void {
    const arn = this.function.lambda.functionArn;
    const role = new Role(this, 'ScheduleRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [arn] }));
    new CfnSchedule(this, 'Schedule', {
      description: 'Sweeps once a minute',
      scheduleExpression: SWEEP_PERIOD_MINUTES === 1 ? 'rate(1 minute)' : `rate(${SWEEP_PERIOD_MINUTES} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      // A sweep that fails is not retried: the next one does its work.
      target: { arn, roleArn: role.roleArn, input: '{}', retryPolicy: { maximumRetryAttempts: 0 } },
    });
  }
}
