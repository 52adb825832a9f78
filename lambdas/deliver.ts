// The delivery function: one attempt per message, each on its own, so that one slow receiver delays nobody else.

import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { batch } from './batch.ts';
import { makeCircuitBreaker } from './core/deliver/circuit-breaker.ts';
import { deliver } from './core/deliver/deliver.ts';
import { WEBHOOK_SHAPES } from './core/dialects/webhook-shapes.ts';
import { readEnvironment } from './env.ts';
import { makePorts } from './wiring.ts';

const ports = { ...makePorts('deliver', readEnvironment('deliver')), circuitBreaker: makeCircuitBreaker() };

export function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  return batch<{ run: string; n: number }>(event, ports.log, (message) => deliver(ports, message, WEBHOOK_SHAPES));
}
