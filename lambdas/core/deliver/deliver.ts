// Tells one webhook of one ended run: one attempt, its record, and when the next one is due.

import {
  QUEUE_DELAY_MAX_SECONDS,
  UNPICKED_SECONDS,
  WEBHOOK_PUT_OFF_MAX_SECONDS,
  WEBHOOK_SHORT_TIMEOUT_SECONDS,
  WEBHOOK_TIMEOUT_SECONDS,
} from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { RunStore } from '../ports/runs.ts';
import { type Delivery, type DeliveryStatus, isSettled } from '../run.ts';
import { type AttemptResult, makeAttempt } from './attempt.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { type Shapes, shapeEvent } from './event.ts';
import { countScheduled, isManual } from './manual.ts';
import { buildRequest } from './request.ts';
import { scheduleNextAttempt } from './retry-schedule.ts';
import { readSigningSecrets } from './signing-secrets.ts';

export type DeliverPorts = Pick<Ports, 'clock' | 'ids' | 'queues' | 'tenants' | 'keyring' | 'http' | 'log'> & {
  runs: Pick<RunStore, 'read' | 'recordAttempt' | 'deferDelivery'>;
  /** Without them every attempt is made when it is due. */
  circuitBreaker?: CircuitBreaker;
};

/** skipped: there was nothing to do (yet); a doorbell may ring twice or early. put-off: the receiver is left alone. */
export type DeliverOutcome = DeliveryStatus | 'skipped' | 'put-off';

interface Next {
  status: DeliveryStatus;
  nextAt?: number;
  dueAt?: number;
}

// The clocks of the queue and of this process are not the same.
const EARLY_MS = 1_000;
const GONE = 410;

const METRICS = {
  pending: 'DeliveryRetried',
  delivered: 'DeliveryDelivered',
  exhausted: 'DeliveryExhausted',
  gone: 'DeliveryGone',
} as const satisfies Record<DeliveryStatus, string>;

export async function deliver(
  ports: DeliverPorts,
  message: { run: string; n: number },
  shapes: Shapes = {},
): Promise<DeliverOutcome> {
  // One read tells the delivery and what is to be told: nearly every ring is for a webhook that is due.
  const record = await ports.runs.read(message.run);
  const delivery = record?.deliveries.find(({ n }) => n === message.n);
  const at = ports.clock.now();
  if (!record || !delivery || !isSettled(record.run.status) || !isDue(delivery, at)) return 'skipped';

  const turn = decideAttempt(ports, delivery, at);
  if (turn.do === 'put-off') return deferAttempt(ports, delivery, { at, until: turn.until });

  const secrets = await readSigningSecrets(ports, delivery.tenant);
  const request = buildRequest(delivery, shapeEvent(record, shapes), { secrets, at, timeoutMs: turn.timeoutMs });
  const result = await makeAttempt(ports, { request, own: delivery.headers }, at);
  if (result.hasNoResponse) ports.circuitBreaker?.recordFailure(delivery, ports.clock.now());
  else ports.circuitBreaker?.recordSuccess(delivery);
  const attempt = isManual(delivery) ? { ...result.attempt, manual: true } : result.attempt;
  const next = planNext(ports, delivery, { ...result, attempt });
  // Somebody else made this attempt too, and was first to record it.
  if (!(await ports.runs.recordAttempt(delivery, attempt, next))) return 'skipped';
  logAttempt(ports, delivery, { ...result, attempt }, next);
  await enqueueNext(ports, delivery, next);
  return next.status;
}

function isDue(delivery: Delivery, now: number): boolean {
  return delivery.status === 'pending' && (delivery.nextAt ?? 0) <= now + EARLY_MS;
}

/**
 * Whether the attempt is made now. While its receiver rests it is put off, but not for ever: an attempt that has been
 * put off long enough is made, in a hurry. Somebody who asks by hand is not made to wait.
 */
function decideAttempt(ports: DeliverPorts, delivery: Delivery, at: number) {
  const inTime = { do: 'try', timeoutMs: WEBHOOK_TIMEOUT_SECONDS * 1_000 } as const;
  const until = isManual(delivery) ? undefined : ports.circuitBreaker?.openUntil(delivery, at);
  if (until === undefined) return inTime;
  const isLate = at - (delivery.deferredAt ?? at) >= WEBHOOK_PUT_OFF_MAX_SECONDS * 1_000;
  return isLate ? { ...inTime, timeoutMs: WEBHOOK_SHORT_TIMEOUT_SECONDS * 1_000 } : ({ do: 'put-off', until } as const);
}

// Written down, so that a doorbell that rings meanwhile finds nothing due: otherwise doorbells would only multiply.
async function deferAttempt(
  ports: DeliverPorts,
  delivery: Delivery,
  { at, until }: { at: number; until: number },
): Promise<DeliverOutcome> {
  // Up to twice the rest, so that those who waited do not all come at once.
  const nextAt = until + Math.round(ports.ids.random() * (until - at));
  const next = { nextAt, dueAt: nextAt + UNPICKED_SECONDS * 1_000, deferredAt: delivery.deferredAt ?? at };
  if (!(await ports.runs.deferDelivery(delivery, next))) return 'skipped';
  ports.log.metric('DeliveryPutOff');
  await enqueueNext(ports, delivery, { status: 'pending', ...next });
  return 'put-off';
}

// A receiver that answers another 4xx is retried like any: most of them are deployments and expired credentials.
function planNext(ports: DeliverPorts, delivery: Delivery, { attempt, retryAfterSeconds }: AttemptResult): Next {
  const { status = 0 } = attempt;
  if (status >= 200 && status < 300) return { status: 'delivered' };
  if (status === GONE) return { status: 'gone' };
  const now = ports.clock.now();
  const made = countScheduled([...delivery.attempts, attempt]);
  const nextAt = scheduleNextAttempt(made, now, ports.ids.random(), retryAfterSeconds);
  if (nextAt === undefined) return { status: 'exhausted' };
  // Where the queue rings, the due index is only the guarantee behind it; where it cannot, the index is the clock.
  const guaranteeMs = delaySeconds(nextAt, now) <= QUEUE_DELAY_MAX_SECONDS ? UNPICKED_SECONDS * 1_000 : 0;
  return { status: 'pending', nextAt, dueAt: nextAt + guaranteeMs };
}

// A lost ring is made good by the sweeper, so it must not fail an attempt that was made and recorded.
async function enqueueNext(ports: DeliverPorts, { run, n, tenant }: Delivery, { nextAt }: Next): Promise<void> {
  if (nextAt === undefined) return;
  const delay = delaySeconds(nextAt, ports.clock.now());
  if (delay > QUEUE_DELAY_MAX_SECONDS) return;
  try {
    await ports.queues.enqueueDeliveries([{ run, n, tenant, delaySeconds: delay }]);
  } catch (error) {
    ports.log.warn('The next attempt was not rung; the sweeper will', { run, n, tenant, error });
  }
}

function delaySeconds(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1_000));
}

// Neither the path and query of the URL nor headers nor bodies: they hold the receivers' secrets and the tenant's data.
function logAttempt(ports: DeliverPorts, delivery: Delivery, { attempt }: AttemptResult, next: Next): void {
  ports.log.metric(METRICS[next.status]);
  ports.log.info('Webhook told', {
    run: delivery.run,
    n: delivery.n,
    tenant: delivery.tenant,
    host: URL.parse(delivery.url)?.host,
    attempt: delivery.attempts.length + 1,
    outcome: next.status,
    status: attempt.status,
    durationMs: attempt.durationMs,
  });
}
