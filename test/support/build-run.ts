// A small valid run, to be varied by tests.

import { NO_USAGE, type NodeRecord, type Run } from '../../lambdas/core/run.ts';
import { systemIds } from '../../lambdas/system.ts';

export function buildRun(extra: Partial<Run> = {}): Run {
  const createdAt = extra.createdAt ?? Date.now();
  return {
    id: systemIds.run(createdAt),
    tenant: 'acme',
    flow: 'hello',
    version: '1.0.0',
    digest: 'digest',
    env: 'published',
    mode: 'async',
    dialect: 'native',
    status: 'pending',
    usage: NO_USAGE,
    handledErrors: 0,
    createdAt,
    deadlineAt: createdAt + 86_400_000,
    dueAt: createdAt + 30_000,
    priority: 0,
    webhookCount: 0,
    origin: 'https://errand.example.com',
    epoch: 0,
    crashes: 0,
    signals: 0,
    seenSignals: 0,
    handoffs: 0,
    ...extra,
  };
}

export function buildRecord(path: string, extra: Partial<NodeRecord> = {}): NodeRecord {
  return {
    path,
    type: 'set',
    status: 'succeeded',
    output: { n: 1 },
    attempts: 1,
    startedAt: 1,
    endedAt: 2,
    epoch: 1,
    seq: 3,
    ...extra,
  };
}
