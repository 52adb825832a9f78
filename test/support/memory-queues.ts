// Queues that only remember who was rung.

import type { Queues } from '../../lambdas/core/ports/runs.ts';

export interface MemoryQueues extends Queues {
  runs: Parameters<Queues['enqueueRuns']>[0];
  deliveries: Parameters<Queues['enqueueDeliveries']>[0];
}

export function makeMemoryQueues(): MemoryQueues {
  const runs: MemoryQueues['runs'] = [];
  const deliveries: MemoryQueues['deliveries'] = [];
  return {
    runs,
    deliveries,
    async enqueueRuns(rings) {
      runs.push(...rings);
    },
    async enqueueDeliveries(rings) {
      deliveries.push(...rings);
    },
  };
}
