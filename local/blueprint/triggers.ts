// What invokes functions beside callers: queues, schedules and state machines.

import { z } from 'zod';
import type { Resource } from '../assembly.ts';
import { machineArn } from '../aws-names.ts';
import { readEach } from './parse.ts';

export interface EventSource {
  queueArn: string;
  functionName: string;
  batchSize: number;
  batchWindowSeconds: number;
  maxConcurrency: number;
  reportsItemFailures: boolean;
}

// Lambda starts with five pollers; on one machine fewer invocations at once lose nothing.
const LOCAL_MAX_CONCURRENCY = 4;

const eventSourceSchema = z.strictObject({
  EventSourceArn: z.string().startsWith('arn:aws:sqs:', 'only queues are event sources locally'),
  FunctionName: z.string(),
  BatchSize: z.number().default(10),
  MaximumBatchingWindowInSeconds: z.number().default(0),
  ScalingConfig: z.strictObject({ MaximumConcurrency: z.number() }).optional(),
  FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
  Enabled: z.literal(true).optional(),
  MetricsConfig: z.unknown().optional(),
  Tags: z.unknown().optional(),
});

export function readEventSources(resources: Resource[]): EventSource[] {
  return readEach(resources, 'AWS::Lambda::EventSourceMapping', ({ properties }) => {
    const source = eventSourceSchema.parse(properties);
    return {
      queueArn: source.EventSourceArn,
      functionName: source.FunctionName,
      batchSize: source.BatchSize,
      batchWindowSeconds: source.MaximumBatchingWindowInSeconds,
      maxConcurrency: Math.min(
        source.ScalingConfig?.MaximumConcurrency ?? LOCAL_MAX_CONCURRENCY,
        LOCAL_MAX_CONCURRENCY,
      ),
      reportsItemFailures: source.FunctionResponseTypes.length > 0,
    };
  });
}

export interface Schedule {
  name: string;
  functionName: string;
  periodSeconds: number;
  /** The event, as JSON text. */
  input: string;
}

const UNIT_SECONDS = { minute: 60, hour: 3_600, day: 86_400 } as const;

const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  State: z.literal('ENABLED').optional(),
  Target: z.object({ Arn: z.string().startsWith('arn:aws:lambda:'), Input: z.string().default('{}') }),
});

export function readSchedules(resources: Resource[]): Schedule[] {
  return readEach(resources, 'AWS::Scheduler::Schedule', ({ logicalId, properties }) => {
    const { ScheduleExpression, Target } = scheduleSchema.parse(properties);
    return {
      name: logicalId,
      functionName: Target.Arn,
      periodSeconds: periodSeconds(ScheduleExpression),
      input: Target.Input,
    };
  });
}

function periodSeconds(expression: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (!count || !unit) throw new Error(`the schedule ${expression} is not understood, only rate(n minutes|hours|days)`);
  return Number(count) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS];
}

export interface Machine {
  arn: string;
  definition: object;
}

export function readMachines(resources: Resource[]): Machine[] {
  return readEach(resources, 'AWS::StepFunctions::StateMachine', ({ logicalId, properties }) => {
    const { DefinitionString } = z.object({ DefinitionString: z.string() }).parse(properties);
    return { arn: machineArn(logicalId), definition: JSON.parse(DefinitionString) as object };
  });
}
