// Structured logs and metrics of every function, in the form CloudWatch reads. Ids and sizes only: never payloads.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Log } from './core/ports/ports.ts';
import { METRIC_NAMESPACE } from './env.ts';

export function makeLog({ serviceName, stage }: { serviceName: string; stage: string }): Log {
  const logger = new Logger({ serviceName });
  // Two stages may be in one account, and an alarm is about one of them.
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName, defaultDimensions: { stage } });
  return {
    info: (message, fields = {}) => logger.info(message, named(fields)),
    warn: (message, fields = {}) => logger.warn(message, named(fields)),
    error: (message, fields = {}) => logger.error(message, named(fields)),
    metric: (name, value = 1) => metrics.singleMetric().addMetric(name, MetricUnit.Count, value),
  };
}

/** Powertools formats an Error in a field of any name; anything else thrown is shown as text. */
function named(fields: Record<string, unknown>): Record<string, Error | string | number> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (value instanceof Error || typeof value === 'number') return [name, value];
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}
