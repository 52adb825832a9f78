// Queues that only remember who was rung.

import type { Queues } from '../../lambdas/core/ports/runs.ts';

export interface MemoryQueues extends Queues {
  runs: Parameters<Queues['ringRuns']>[0];
  deliveries: Parameters<Queues['ringDeliveries']>[0];
}

export function makeMemoryQueues(): MemoryQueues {
  const runs: MemoryQueues['runs'] = [];
  const deliveries: MemoryQueues['deliveries'] = [];
  return {
    runs,
    deliveries,
    async ringRuns(rings) {
      runs.push(...rings);
    },
    async ringDeliveries(rings) {
      deliveries.push(...rings);
    },
  };
}
