// What must hold of the webhooks of a run that has ended: each was told, or its schedule is used up, or it is gone.

import { WEBHOOK_SCHEDULE_SECONDS } from '../../lambdas/core/limits.ts';
import type { Delivery, DeliveryAttempt, Run } from '../../lambdas/core/run.ts';
import type { Told } from './receivers.ts';
import type { World } from './world.ts';

const EARLY_MS = 1_000;

export async function checkDeliveries({ bare, receivers }: World, run: Run): Promise<string[]> {
  const record = await bare.runs.read(run.id);
  return (record?.deliveries ?? []).flatMap((delivery) => {
    const broken = problemOf(run, delivery, receivers.told(delivery.url));
    return broken ? [`webhook ${delivery.n} of ${run.id} (${receivers.temperOf(delivery.url)}): ${broken}`] : [];
  });
}

function problemOf(run: Run, { status, attempts }: Delivery, told: Told[]): string | undefined {
  // A rerun tells the same receivers of another run.
  const own = told.filter(({ id }) => id.includes(run.id));
  const statuses = new Set(own.map((it) => it.status));
  if (new Set(own.map(({ id }) => id)).size > 1) return 'it was told under different message ids';
  if (statuses.size > 1 || (own.length > 0 && !statuses.has(run.status))) {
    return `it was told ${[...statuses].join(', ')}, but the run is ${run.status}`;
  }
  return endProblem(status, attempts, own) ?? earlyProblem(attempts);
}

function endProblem(status: Delivery['status'], attempts: DeliveryAttempt[], own: Told[]): string | undefined {
  const scheduled = attempts.filter(({ manual }) => !manual).length;
  if (status === 'pending') return `it is still pending after ${attempts.length} attempts`;
  if (status === 'delivered' && !own.some(({ heard }) => heard)) return 'it counts as delivered, and nobody heard';
  if (status === 'gone' && attempts.at(-1)?.status !== 410) return 'it counts as gone, and nobody said so';
  if (status === 'exhausted' && scheduled < WEBHOOK_SCHEDULE_SECONDS.length) {
    return `it counts as exhausted after ${scheduled} attempts`;
  }
  return undefined;
}

/** Attempts keep the distance that the schedule asks for. */
function earlyProblem(attempts: DeliveryAttempt[]): string | undefined {
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
