// What must hold of the webhooks of a run that has ended: each was delivered, or its schedule is used up, or its receiver is gone.

import { WEBHOOK_SCHEDULE_SECONDS } from '../../lambdas/core/limits.ts';
import type { Delivery, DeliveryAttempt, Run } from '../../lambdas/core/run.ts';
import type { ReceivedWebhook } from './receivers.ts';
import type { World } from './world.ts';

const EARLY_MS = 1_000;

export async function checkDeliveries({ bare, receivers }: World, run: Run): Promise<string[]> {
  const record = await bare.runs.read(run.id);
  return (record?.deliveries ?? []).flatMap((delivery) => {
    const broken = findProblem(run, delivery, receivers.received(delivery.url));
    return broken ? [`webhook ${delivery.n} of ${run.id} (${receivers.findBehavior(delivery.url)}): ${broken}`] : [];
  });
}

function findProblem(run: Run, { status, attempts }: Delivery, received: ReceivedWebhook[]): string | undefined {
  // A rerun notifies the same receivers of another run.
  const own = received.filter(({ id }) => id.includes(run.id));
  const statuses = new Set(own.map((it) => it.status));
  if (new Set(own.map(({ id }) => id)).size > 1) return 'it was delivered under different message ids';
  if (statuses.size > 1 || (own.length > 0 && !statuses.has(run.status))) {
    return `it was delivered as ${[...statuses].join(', ')}, but the run is ${run.status}`;
  }
  return findEndProblem(status, attempts, own) ?? findEarlyAttempt(attempts);
}

function findEndProblem(
  status: Delivery['status'],
  attempts: DeliveryAttempt[],
  own: ReceivedWebhook[],
): string | undefined {
  const scheduled = attempts.filter(({ manual }) => !manual).length;
  if (status === 'pending') return `it is still pending after ${attempts.length} attempts`;
  if (status === 'delivered' && !own.some(({ isProcessed }) => isProcessed))
    return 'it counts as delivered, and nobody received it';
  if (status === 'gone' && attempts.at(-1)?.status !== 410) return 'it counts as gone, and nobody said so';
  if (status === 'exhausted' && scheduled < WEBHOOK_SCHEDULE_SECONDS.length) {
    return `it counts as exhausted after ${scheduled} attempts`;
  }
  return undefined;
}

/** Attempts keep the distance that the schedule asks for. */
function findEarlyAttempt(attempts: DeliveryAttempt[]): string | undefined {
  let made = 0;
  for (const [index, { at, manual }] of attempts.entries()) {
    const before = attempts[index - 1];
    const seconds = WEBHOOK_SCHEDULE_SECONDS[made] ?? 0;
    if (before && !manual && at < before.at + seconds * 1_000 - EARLY_MS) {
      return `attempt ${index + 1} came ${at - before.at} ms after the one before, not ${seconds} s`;
    }
    if (!manual) made += 1;
  }
  return undefined;
}
