// Queues that only remember their messages.

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
    async enqueueRuns(messages) {
      runs.push(...messages);
    },
    async enqueueDeliveries(messages) {
      deliveries.push(...messages);
    },
  };
}
