// Every alarm of the platform: what it measures, what users notice, and which section of docs/runbook.md helps.
// Each verb raises its own alarms beside its resources; where they are sent is one decision for the whole stack.
// Each alarm watches one metric: a sum has no value while one of its metrics has none, and most of these are silent until
// something fails.

import { Duration } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import { Alarm, type AlarmProps, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type FunctionName, METRIC_NAMESPACE } from '../lambdas/env.ts';

const PERIOD = Duration.minutes(5);

interface AlarmReason {
  /** What users of the platform notice. */
  impact: string;
  /** Heading of the section in docs/runbook.md, as its anchor. */
  runbook: string;
}

type AlarmRule = AlarmReason & Pick<AlarmProps, 'metric' | 'threshold'> & Partial<AlarmProps>;

function raise(scope: Construct, id: string, { impact, runbook, ...rule }: AlarmRule): Alarm {
  return new Alarm(scope, id, {
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    ...rule,
    alarmDescription: `${impact} See docs/runbook.md#${runbook}`,
  });
}

export function alarmOnErrors(scope: Construct, fn: LambdaFunction, impact: string): Alarm {
  const metric = fn.metricErrors({ period: PERIOD, statistic: 'Sum' });
  return raise(scope, 'Errors', { metric, threshold: 5, impact, runbook: 'function-errors' });
}

export function alarmOnThrottles(scope: Construct, fn: LambdaFunction, impact: string): Alarm {
  const metric = fn.metricThrottles({ period: PERIOD, statistic: 'Sum' });
  return raise(scope, 'Throttles', {
    metric,
    threshold: 1,
    evaluationPeriods: 3,
    impact,
    runbook: 'function-throttles',
  });
}

export function alarmOnDeadLetters(scope: Construct, deadLetters: Queue, impact: string): Alarm {
  const metric = deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' });
  return raise(scope, 'DeadLettersVisible', { metric, threshold: 1, impact, runbook: 'dead-letters' });
}

export function alarmOnBacklog(
  scope: Construct,
  queue: Queue,
  { oldestSeconds, impact }: { oldestSeconds: number; impact: string },
): Alarm {
  const metric = queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: 'Maximum' });
  return raise(scope, 'Backlog', {
    metric,
    threshold: oldestSeconds,
    evaluationPeriods: 2,
    impact,
    runbook: 'backlog',
  });
}

export function alarmOnApiFaults(scope: Construct, api: RestApi, impact: string): Alarm {
  const metric = api.metricServerError({ period: PERIOD, statistic: 'Sum' });
  return raise(scope, 'Faults', { metric, threshold: 5, impact, runbook: 'api-faults' });
}

export function alarmOnMachineFailures(scope: Construct, machine: StateMachine, impact: string): void {
  const sum = { period: PERIOD, statistic: 'Sum' };
  const failures = {
    Failures: machine.metricFailed(sum),
    Timeouts: machine.metricTimedOut(sum),
    Aborts: machine.metricAborted(sum),
  };
  for (const [id, metric] of Object.entries(failures)) {
    raise(scope, id, { metric, threshold: 1, impact, runbook: 'machine-failures' });
  }
}

/** Step Functions counts refused starts for the account and Region, and slowed down states for each machine. */
export function alarmOnMachineThrottles(scope: Construct, machine: StateMachine, impact: string): void {
  const starts = new Metric({
    namespace: 'AWS/States',
    metricName: 'ThrottledEvents',
    dimensionsMap: { APIName: 'StartExecution' },
    period: PERIOD,
    statistic: 'Sum',
  });
  const states = machine.metricThrottled({ period: PERIOD, statistic: 'Sum' });
  for (const [id, metric] of Object.entries({ Throttles: starts, SlowStates: states })) {
    raise(scope, id, { metric, threshold: 1, evaluationPeriods: 3, impact, runbook: 'machine-throttles' });
  }
}

// Silence is the failure: a function that is not invoked publishes nothing at all.
export function alarmOnSilence(scope: Construct, fn: LambdaFunction, impact: string): Alarm {
  const metric = fn.metricInvocations({ period: PERIOD, statistic: 'Sum' });
  return raise(scope, 'Silence', {
    metric,
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.BREACHING,
    impact,
    runbook: 'sweep-silence',
  });
}

interface Count extends AlarmReason {
  /** As `log.metric` names it. */
  metric: string;
  service: FunctionName;
  stage: string;
  /** In five minutes; 1 where not said. */
  threshold?: number;
}

/** On what a function counts itself. */
export function alarmOnCount(scope: Construct, id: string, { metric, service, stage, ...reason }: Count): Alarm {
  const counted = new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: metric,
    dimensionsMap: { service, stage },
    period: PERIOD,
    statistic: 'Sum',
  });
  return raise(scope, id, { threshold: 1, ...reason, metric: counted });
}

/** A batch succeeds where messages of it fail, so the errors of its function stay 0. */
export function alarmOnFailedMessages(
  scope: Construct,
  { service, stage, impact }: Pick<Count, 'service' | 'stage' | 'impact'>,
): Alarm {
  const runbook = 'messages-failed';
  return alarmOnCount(scope, 'FailedMessages', {
    metric: 'MessageFailed',
    service,
    stage,
    threshold: 5,
    impact,
    runbook,
  });
}

/** Whoever claims a run last ends it, so each function that claims has its own alarm. */
export function alarmOnCrashedRuns(scope: Construct, { service, stage }: Pick<Count, 'service' | 'stage'>): Alarm {
  const impact = 'A run ended as run-crashed: it crashed its worker five times.';
  return alarmOnCount(scope, 'Crashed', { metric: 'RunCrashed', service, stage, impact, runbook: 'run-crashed' });
}

/** Reads and writes of the table, and of each of its indexes: those throttle on their own. */
export function alarmOnTableThrottles(
  scope: Construct,
  id: string,
  { table, indexes = [], impact }: { table: ITable; indexes?: string[]; impact: string },
): void {
  for (const index of [undefined, ...indexes]) {
    const dimensions = { TableName: table.tableName, ...(index !== undefined && { GlobalSecondaryIndexName: index }) };
    for (const what of ['Read', 'Write']) {
      const metric = new Metric({
        namespace: 'AWS/DynamoDB',
        metricName: `${what}ThrottleEvents`,
        dimensionsMap: dimensions,
        period: PERIOD,
        statistic: 'Sum',
      });
      const place = index === undefined ? '' : `${index[0]?.toUpperCase()}${index.slice(1)}`;
      raise(scope, `${id}${place}${what}Throttles`, { metric, threshold: 10, impact, runbook: 'table-throttles' });
    }
  }
}

/** Sends every alarm in the scope to the topic. */
export function sendAlarms(scope: Construct, topicArn: string): void {
  const action = new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', topicArn));
  for (const construct of scope.node.findAll()) {
    if (construct instanceof Alarm) construct.addAlarmAction(action);
  }
}
