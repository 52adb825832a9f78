// Every alarm of the platform: what it measures, what users notice, and which section of docs/runbook.md helps.
// Each verb raises its own alarms beside its resources; where they are sent is one decision for the whole stack.

import { Duration } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
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

export function alarmOnMachineFailures(scope: Construct, machine: StateMachine, impact: string): Alarm {
  const metric = sumMetrics([machine.metricFailed(), machine.metricTimedOut(), machine.metricAborted()]);
  return raise(scope, 'Failures', { metric, threshold: 1, impact, runbook: 'machine-failures' });
}

export function alarmOnMachineThrottles(scope: Construct, machine: StateMachine, impact: string): Alarm {
  const metric = machine.metricThrottled({ period: PERIOD, statistic: 'Sum' });
  return raise(scope, 'Throttles', {
    metric,
    threshold: 1,
    evaluationPeriods: 3,
    impact,
    runbook: 'machine-throttles',
  });
}

// Silence is the failure: a function that is not invoked publishes nothing at all.
export function alarmOnSilence(scope: Construct, fn: LambdaFunction, impact: string): Alarm {
  const metric = sumMetrics([fn.metricInvocations()]);
  return raise(scope, 'Silence', {
    metric,
    threshold: 1,
    comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.BREACHING,
    impact,
    runbook: 'sweep-silence',
  });
}

/** On what a function counts itself (`log.metric`). */
export function alarmOnCount(
  scope: Construct,
  id: string,
  { metric, service, ...reason }: { metric: string; service: FunctionName } & AlarmReason,
): Alarm {
  const counted = new Metric({
    namespace: METRIC_NAMESPACE,
    metricName: metric,
    dimensionsMap: { service },
    period: PERIOD,
    statistic: 'Sum',
  });
  return raise(scope, id, { metric: counted, threshold: 1, ...reason });
}

export function alarmOnTableThrottles(
  scope: Construct,
  id: string,
  { table, impact }: { table: Table; impact: string },
) {
  const throttles = ['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) => table.metric(name));
  return raise(scope, id, { metric: sumMetrics(throttles), threshold: 10, impact, runbook: 'table-throttles' });
}

/** Sends every alarm in the scope to the topic. */
export function sendAlarms(scope: Construct, topicArn: string): void {
  const action = new SnsAction(Topic.fromTopicArn(scope, 'AlarmTopic', topicArn));
  for (const construct of scope.node.findAll()) {
    if (construct instanceof Alarm) construct.addAlarmAction(action);
  }
}

function sumMetrics(metrics: Metric[]): IMetric {
  const summed = metrics.map((metric) => metric.with({ period: PERIOD, statistic: 'Sum' }));
  const [only] = summed;
  if (summed.length === 1 && only) return only;
  const usingMetrics = Object.fromEntries(summed.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({ expression: Object.keys(usingMetrics).join(' + '), usingMetrics, period: PERIOD });
}
