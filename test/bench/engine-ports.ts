// What a slice needs of the world, in memory and as cheap as can be, so that a measurement shows the engine alone.

import type { Plan } from '../../lambdas/core/flow/plan.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Settlement } from '../../lambdas/core/ports/runs.ts';
import { NO_USAGE, type Run } from '../../lambdas/core/run.ts';
import { systemClock, systemIds } from '../../lambdas/system.ts';

export interface EnginePorts extends Ports {
  settled(): Settlement | undefined;
}

export function enginePorts(plan: Plan): EnginePorts {
  let settlement: Settlement | undefined;
  const silent = () => undefined;
  const ports: Partial<{ [Port in keyof Ports]: Partial<Ports[Port]> }> = {
    clock: systemClock,
    ids: systemIds,
    flows: { plan: async () => plan },
    keyring: { ready: async () => undefined, signalToken: () => 'token' },
    log: { info: silent, warn: silent, error: silent, metric: silent },
    slots: { release: async () => ({ queued: 0 }) },
    runs: {
      load: async () => ({ inputs: {}, records: [], signals: [] }),
      recordNode: async (_, record) => record,
      async settle(run, end) {
        settlement = end;
        return { kind: 'settled', run: { ...run, status: end.status, endedAt: end.endedAt }, deliveries: [] };
      },
    },
  };
  return { ...(ports as Ports), settled: () => settlement };
}

export function freshRun(): Run {
  const now = systemClock.now();
  return {
    id: systemIds.run(now),
    tenant: 'bench',
    flow: 'bench',
    version: '1.0.0',
    digest: 'digest',
    env: 'published',
    mode: 'async',
    dialect: 'native',
    status: 'running',
    usage: NO_USAGE,
    handledErrors: 0,
    createdAt: now,
    startedAt: now,
    deadlineAt: now + 3_600_000,
    priority: 0,
    webhookCount: 0,
    origin: 'http://127.0.0.1',
    epoch: 1,
    crashes: 0,
    signals: 0,
    seenSignals: 0,
    handoffs: 0,
    leaseUntil: now + 30_000,
  };
}
