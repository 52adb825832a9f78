// One page for whoever is on call: are calls answered, do runs make progress, are webhooks delivered, what fails.

import { Dashboard, GraphWidget, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { FunctionName } from '../lambdas/env.ts';
import type { Advance } from './advance.ts';
import type { Api } from './api.ts';
import type { PlatformFunction } from './function.ts';
import type { PlatformQueue } from './queue.ts';

export interface OverviewProps {
  api: Api;
  advance: Advance;
  runs: PlatformQueue;
  deliveries: PlatformQueue;
  functions: Record<FunctionName, { lambda: PlatformFunction<FunctionName>['lambda'] }>;
}

export class Overview extends Construct {
  constructor(scope: Construct, id: string, props: OverviewProps) {
    super(scope, id);
    const functions = Object.values(props.functions).map(({ lambda }) => lambda);
    const queues = [props.runs.queue, props.deliveries.queue];
    const { machine } = props.advance;
    const { restApi } = props.api;
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph('Calls', [restApi.metricCount(), restApi.metricClientError(), restApi.metricServerError()]),
          graph('Latency', [restApi.metricLatency({ statistic: 'p50' }), restApi.metricLatency({ statistic: 'p99' })]),
        ],
        [
          graph(
            'Oldest message (s)',
            queues.map((queue) => queue.metricApproximateAgeOfOldestMessage()),
          ),
          graph(
            'Messages waiting',
            queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible()),
          ),
        ],
        [
          graph(
            'Errors',
            functions.map((fn) => fn.metricErrors()),
          ),
          graph(
            'Concurrent executions',
            functions.map((fn) => fn.metric('ConcurrentExecutions', { statistic: 'Maximum' })),
          ),
        ],
        [
          graph('Executions', [machine.metricStarted(), machine.metricSucceeded(), machine.metricFailed()]),
          graph(
            'Duration p99',
            functions.map((fn) => fn.metricDuration({ statistic: 'p99' })),
          ),
        ],
      ],
    });
  }
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 12 });
}
