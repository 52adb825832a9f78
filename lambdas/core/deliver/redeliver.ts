// Delivers a webhook again because somebody asks for it, whatever its result was.

import { type Actor, requireRun } from '../access/run-access.ts';
import { ApiError } from '../errors.ts';
import { WEBHOOK_MAX_ATTEMPTS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { RunStore } from '../ports/runs.ts';
import { type Delivery, isSettled } from '../run.ts';

type RedeliverPorts = Pick<Ports, 'clock' | 'queues'> & {
  runs: Pick<RunStore, 'get' | 'delivery' | 'reopenDelivery'>;
};

/** Returns the delivery's new state: pending, and due at once. */
export async function redeliver(
  ports: RedeliverPorts,
  actor: Actor,
  webhook: { run: string; n: number },
): Promise<Delivery> {
  const run = await requireRun(ports, actor, webhook.run);
  if (!isSettled(run.status)) throw new ApiError('run-not-settled');
  const delivery = await ports.runs.delivery(webhook.run, webhook.n);
  if (!delivery) throw new ApiError('not-found', `The run has no webhook ${webhook.n}`);
  if (delivery.attempts.length >= WEBHOOK_MAX_ATTEMPTS) {
    throw new ApiError('invalid-request', `A webhook has at most ${WEBHOOK_MAX_ATTEMPTS} attempts`);
  }
  const now = ports.clock.now();
  await ports.runs.reopenDelivery(delivery, now);
  await ports.queues.enqueueDeliveries([{ run: webhook.run, n: webhook.n, tenant: run.tenant }]);
  return { ...delivery, status: 'pending', nextAt: now };
}
