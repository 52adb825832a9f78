// Delivers one webhook of a settled run: makes one attempt, records it, and schedules the next one.

import {
  QUEUE_DELAY_MAX_SECONDS,
  UNPICKED_SECONDS,
  WEBHOOK_DEFER_MAX_SECONDS,
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

export type DeliverPorts = Pick<
  Ports,
  'clock' | 'ids' | 'queues' | 'tenants' | 'caches' | 'keyring' | 'http' | 'log'
> & {
  runs: Pick<RunStore, 'read' | 'recordAttempt' | 'deferDelivery'>;
  /** Without them every attempt is made when it is due. */
  circuitBreaker?: CircuitBreaker;
};

/** skipped: nothing to do (yet); a queue message may come twice or early. deferred: the receiver's circuit is open. */
export type DeliverOutcome = DeliveryStatus | 'skipped' | 'deferred';

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
  // One read gives the delivery and the run: nearly every message is for a webhook that is due.
  const record = await ports.runs.read(message.run);
  const delivery = record?.deliveries.find(({ n }) => n === message.n);
  const at = ports.clock.now();
  if (!record || !delivery || !isSettled(record.run.status) || !isDue(delivery, at)) return 'skipped';

  const decision = decideAttempt(ports, delivery, at);
  if (decision.kind === 'defer') return deferAttempt(ports, delivery, { at, until: decision.until });

  const secrets = await readSigningSecrets(ports, delivery.tenant);
  const request = buildRequest(delivery, shapeEvent(record, shapes), { secrets, at, timeoutMs: decision.timeoutMs });
  const result = await makeAttempt(ports, { request, own: delivery.headers }, at);
  if (result.hasNoResponse) ports.circuitBreaker?.recordFailure(delivery, ports.clock.now());
  else ports.circuitBreaker?.recordSuccess(delivery);
  const attempt = isManual(delivery) ? { ...result.attempt, manual: true } : result.attempt;
  const next = planNext(ports, delivery, { ...result, attempt });
  // Another process made this attempt too, and recorded it first.
  if (!(await ports.runs.recordAttempt(delivery, attempt, next))) return 'skipped';
  logAttempt(ports, delivery, { attempt, next });
  await enqueueNext(ports, delivery, next);
  return next.status;
}

function isDue(delivery: Delivery, now: number): boolean {
  return delivery.status === 'pending' && (delivery.nextAt ?? 0) <= now + EARLY_MS;
}

/**
 * Whether the attempt is made now. While the receiver's circuit is open it is deferred, up to a limit: after that it is
 * made with a short timeout. An attempt that somebody asked for by hand is never deferred.
 */
function decideAttempt(ports: DeliverPorts, delivery: Delivery, at: number) {
  const attempt = { kind: 'attempt', timeoutMs: WEBHOOK_TIMEOUT_SECONDS * 1_000 } as const;
  const until = isManual(delivery) ? undefined : ports.circuitBreaker?.openUntil(delivery, at);
  if (until === undefined) return attempt;
  const isLate = at - (delivery.deferredAt ?? at) >= WEBHOOK_DEFER_MAX_SECONDS * 1_000;
  return isLate
    ? { ...attempt, timeoutMs: WEBHOOK_SHORT_TIMEOUT_SECONDS * 1_000 }
    : ({ kind: 'defer', until } as const);
}

// Recorded, so that other queue messages for this delivery find nothing due: otherwise messages would multiply.
async function deferAttempt(
  ports: DeliverPorts,
  delivery: Delivery,
  { at, until }: { at: number; until: number },
): Promise<DeliverOutcome> {
  // Up to twice the open time, so that the deferred attempts do not all come at once.
  const nextAt = until + Math.round(ports.ids.random() * (until - at));
  const next = { nextAt, dueAt: nextAt + UNPICKED_SECONDS * 1_000, deferredAt: delivery.deferredAt ?? at };
  if (!(await ports.runs.deferDelivery(delivery, next))) return 'skipped';
  ports.log.metric('DeliveryPutOff');
  await enqueueNext(ports, delivery, { status: 'pending', ...next });
  return 'deferred';
}

// Other 4xx statuses are retried, too: the usual causes are deployments and expired credentials.
function planNext(ports: DeliverPorts, delivery: Delivery, { attempt, retryAfterSeconds }: AttemptResult): Next {
  const { status = 0 } = attempt;
  if (status >= 200 && status < 300) return { status: 'delivered' };
  if (status === GONE) return { status: 'gone' };
  const now = ports.clock.now();
  const made = countScheduled([...delivery.attempts, attempt]);
  const nextAt = scheduleNextAttempt(made, now, ports.ids.random(), retryAfterSeconds);
  if (nextAt === undefined) return { status: 'exhausted' };
  // Within the queue's longest delay, the message starts the attempt and the due index is the guarantee behind it; beyond
  // that, the due index alone starts it.
  const guaranteeMs = delaySeconds(nextAt, now) <= QUEUE_DELAY_MAX_SECONDS ? UNPICKED_SECONDS * 1_000 : 0;
  return { status: 'pending', nextAt, dueAt: nextAt + guaranteeMs };
}

// The sweeper repairs a lost message, so this must not fail an attempt that was made and recorded.
async function enqueueNext(ports: DeliverPorts, { run, n, tenant }: Delivery, { nextAt }: Next): Promise<void> {
  if (nextAt === undefined) return;
  const delay = delaySeconds(nextAt, ports.clock.now());
  if (delay > QUEUE_DELAY_MAX_SECONDS) return;
  try {
    await ports.queues.enqueueDeliveries([{ run, n, tenant, delaySeconds: delay }]);
  } catch (error) {
    ports.log.warn('The next attempt was not enqueued; the sweeper will start it', { run, n, tenant, error });
  }
}

function delaySeconds(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1_000));
}

// Not the URL's path and query, headers or bodies: they may contain the receiver's secrets and the tenant's data.
function logAttempt(
  ports: DeliverPorts,
  delivery: Delivery,
  { attempt, next }: Pick<AttemptResult, 'attempt'> & { next: Next },
): void {
  ports.log.metric(METRICS[next.status]);
  ports.log.info('Webhook attempted', {
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
