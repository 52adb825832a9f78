// Accepting a run: everything is checked first, then one transaction makes it durable, then the doorbell rings.

import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Caller } from '../access/caller.ts';
import { withUploads } from '../catalog/files.ts';
import { resolveVersion } from '../catalog/flows.ts';
import { userCredentials } from '../catalog/plugins.ts';
import { readWebhooks } from '../deliver/targets.ts';
import { ApiError } from '../errors.ts';
import { type Offer, searchableValues, validateInputs, withOffers } from '../flow/inputs.ts';
import type { Plan } from '../flow/plan.ts';
import type { JsonObject } from '../json.ts';
import {
  IDEMPOTENCY_KEY_CHARS,
  LEASE_SECONDS,
  MAX_INPUT_BYTES,
  QUEUE_DELAY_MAX_SECONDS,
  RUN_CEILING_SECONDS,
  UNPICKED_SECONDS,
} from '../limits.ts';
import { parseOrReject } from '../parse/parse-or-reject.ts';
import type { Ports } from '../ports/ports.ts';
import type { NewRun } from '../ports/runs.ts';
import { type DialectName, NO_USAGE, type Run, type RunMode } from '../run.ts';
import { checkCaller, checkMode, checkRoom } from './submission-checks.ts';

/** What a dialect makes of a request; `unknown` fields are checked here, for all dialects alike. */
export interface Submission {
  flow: string;
  inputs: unknown;
  /** Values beside the inputs, for whichever inputs want them. */
  offers?: Offer[];
  mode: RunMode;
  dialect: DialectName;
  version?: string;
  /** Runs the draft: `env` is `debug`. */
  draft?: boolean;
  user?: string;
  webhooks?: unknown;
  priority?: unknown;
  startAfter?: unknown;
  timeout?: unknown;
  /** Epoch milliseconds by which the run must have ended, whatever else is said. */
  notAfter?: number;
  metadata?: unknown;
  /** The user's credentials, by plugin. */
  plugins?: unknown;
  /** Credentials for plugins that the flow does not have are dropped instead of refused. */
  ignoresOtherPlugins?: true;
  idempotencyKey?: string;
  /** Finds the run by `conversationQuery`. */
  conversation?: string;
  echo?: JsonObject;
  rerunOf?: Run['rerunOf'];
  parent?: Run['parent'];
}

const MAX_METADATA_BYTES = 2_048;
// Beside the searchable inputs, whose names cannot begin like this.
const CONVERSATION = '#conversation';

/** The filter of `RunStore.list` that finds the runs of a conversation, newest first. */
export const conversationQuery = (conversation: string) => ({ indexed: { [CONVERSATION]: conversation } });

// They stand in the run record, which is written at every change of status.
export const fitsRunRecord = (it: object): boolean => Buffer.byteLength(JSON.stringify(it)) <= MAX_METADATA_BYTES;
const smallObject = z
  .record(z.string().max(64), z.json())
  .refine(fitsRunRecord, `is larger than ${MAX_METADATA_BYTES} bytes`);

const optionsSchema = z.strictObject({
  priority: z.int().min(0).max(9).default(0),
  startAfter: z.iso.datetime({ offset: true }).optional(),
  timeout: z
    .string()
    .regex(/^[1-9]\d{0,6}(s|m|h)$/, 'write a duration such as 90s, 30m or 2h')
    .optional(),
  metadata: smallObject.optional(),
  user: z.string().min(1).max(256).optional(),
  idempotencyKey: z.string().min(1).max(IDEMPOTENCY_KEY_CHARS).optional(),
  conversation: z.string().min(1).max(256).optional(),
  echo: smallObject.optional(),
});

/**
 * Accepts a run. A sync or stream run comes back `running` with its lease held by this process: hand it to `runInline`.
 * Throws a ApiError that names what is wrong, having written nothing.
 */
export async function submit(
  ports: Ports,
  caller: Caller,
  asked: Submission,
): Promise<{ run: Run; replayed: boolean }> {
  const { priority, startAfter, timeout, metadata, user, idempotencyKey } = parseOrReject(optionsSchema, {
    priority: asked.priority,
    startAfter: asked.startAfter,
    timeout: asked.timeout,
    metadata: asked.metadata,
    user: asked.user,
    idempotencyKey: asked.idempotencyKey,
    conversation: asked.conversation,
    echo: asked.echo,
  });
  checkCaller(caller, asked);
  const resolved = await resolveVersion(ports, caller.tenant.id, asked.flow, {
    version: asked.version,
    ...(asked.draft && { draft: true }),
  });
  checkMode(asked.mode, resolved);
  const inputs = await inputsOf(ports, caller, { asked, specs: resolved.plan.inputs });
  if (Buffer.byteLength(JSON.stringify(inputs)) > MAX_INPUT_BYTES) {
    throw new ApiError(
      'payload-too-large',
      `The inputs are larger than ${MAX_INPUT_BYTES / 1_024} KB: pass large files by reference`,
    );
  }
  const webhooks = readWebhooks(asked.webhooks, ports.http);
  const credentials = userCredentials(resolved.plan, asked);
  if (asked.mode === 'async') await checkRoom(ports, caller.tenant);

  const now = ports.clock.now();
  const run: Run = {
    id: ports.ids.run(now),
    tenant: caller.tenant.id,
    flow: resolved.flow.name,
    version: resolved.version,
    digest: resolved.digest,
    env: asked.draft ? 'debug' : 'published',
    mode: asked.mode,
    dialect: asked.dialect,
    status: 'pending',
    usage: NO_USAGE,
    handledErrors: 0,
    createdAt: now,
    priority,
    webhookCount: webhooks.length,
    origin: caller.origin,
    epoch: 0,
    crashes: 0,
    signals: 0,
    seenSignals: 0,
    handoffs: 0,
    user,
    ...(metadata !== undefined && { metadata: metadata as JsonObject }),
    parent: asked.parent,
    echo: asked.echo,
    rerunOf: asked.rerunOf,
    ...schedule(now, asked, { startAfter, timeout, plan: resolved.plan }),
  };
  const searchable = {
    ...searchableValues(resolved.plan.inputs, inputs),
    ...(asked.conversation !== undefined && { [CONVERSATION]: asked.conversation }),
  };
  const fresh = { run, inputs, webhooks, searchable, ...(Object.keys(credentials).length > 0 && { credentials }) };
  return create(ports, caller, { fresh, idempotencyKey, asked });
}

async function inputsOf(
  ports: Ports,
  { tenant }: Caller,
  { asked, specs }: { asked: Submission; specs: Plan['inputs'] },
): Promise<JsonObject> {
  const given = withOffers(specs, asked.inputs ?? {}, asked.offers ?? []);
  return validateInputs(specs, await withUploads(ports, { tenant: tenant.id, specs }, given));
}

interface Accepted {
  fresh: Omit<NewRun, 'idempotency'>;
  idempotencyKey: string | undefined;
  asked: Submission;
}

async function create(
  ports: Ports,
  caller: Caller,
  { fresh, idempotencyKey, asked }: Accepted,
): Promise<{ run: Run; replayed: boolean }> {
  const { run } = fresh;
  await enter(ports, caller, run);
  try {
    const fingerprint = idempotencyKey === undefined ? '' : fingerprintOf(asked);
    for (let replaces: string | undefined; ; ) {
      const idempotency =
        idempotencyKey === undefined ? {} : { idempotency: { key: idempotencyKey, fingerprint, replaces } };
      const created = await ports.runs.create({ ...fresh, ...idempotency });
      if (created.kind === 'created') break;
      if (created.fingerprint !== fingerprint) throw new ApiError('idempotency-conflict');
      const original = await ports.runs.get(created.runId);
      // The key of a failed run is free again: the caller repeats because it wants a success.
      if (original && original.status !== 'failed') {
        await leave(ports, run);
        return { run: original, replayed: true };
      }
      replaces = created.runId;
    }
  } catch (error) {
    await leave(ports, run);
    throw error;
  }
  if (run.mode === 'async') await ring(ports, run);
  return { run, replayed: false };
}

/** Synchronous calls have slots of their own and never wait; `settleRun` or `runInline` gives the slot back. */
async function enter(ports: Ports, { tenant }: Caller, run: Run): Promise<void> {
  if (run.mode === 'async') return;
  const slot = { tenant: tenant.id, runId: run.id, limit: tenant.limits.sync, now: run.createdAt };
  if (await ports.slots.enterSync(slot)) return;
  const message = `${tenant.limits.sync} synchronous runs are under way, the most this tenant may have: try again, or run asynchronously`;
  throw new ApiError('tenant-over-limit', message, { retryAfterSeconds: 5 });
}

async function leave(ports: Ports, run: Run): Promise<void> {
  if (run.mode !== 'async') await ports.slots.leaveSync(run.tenant, run.id).catch(() => {});
}

/** A doorbell that cannot ring changes nothing: the sweeper finds the run. */
async function ring(ports: Ports, run: Run): Promise<void> {
  const delaySeconds = run.startAfter === undefined ? 0 : Math.ceil((run.startAfter - run.createdAt) / 1_000);
  if (delaySeconds > QUEUE_DELAY_MAX_SECONDS) return;
  try {
    await ports.queues.enqueueRuns([{ runId: run.id, tenant: run.tenant, ...(delaySeconds > 0 && { delaySeconds }) }]);
  } catch (error) {
    ports.log.warn('an accepted run could not be rung; the sweeper will', { run: run.id, error });
  }
}

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS];
}

interface Times {
  startAfter: string | undefined;
  timeout: string | undefined;
  plan: Plan;
}

/** A sync run begins with its lease held by us; an async one is due for the sweeper if nobody picks it up. */
function schedule(
  now: number,
  { mode, notAfter = Number.POSITIVE_INFINITY }: Submission,
  { startAfter, timeout, plan }: Times,
): Pick<Run, 'deadlineAt'> & Partial<Run> {
  const start = startAfter === undefined ? now : Math.max(now, Date.parse(startAfter));
  const ceiling = now + RUN_CEILING_SECONDS * 1_000;
  if (start >= ceiling) {
    const message = 'is more than 24 hours away, when every run has ended';
    throw new ApiError('invalid-request', `startAfter ${message}`, {
      details: [{ field: 'startAfter', message }],
    });
  }
  const askedMs = timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(timeout);
  // Time that a run spends waiting for its hour is not the flow's.
  const deadlineAt = Math.min(ceiling, notAfter, start + Math.min(plan.settings.timeoutMs, askedMs));
  if (mode !== 'async') {
    const leaseUntil = now + LEASE_SECONDS * 1_000;
    return { status: 'running', epoch: 1, startedAt: now, leaseUntil, dueAt: leaseUntil, deadlineAt };
  }
  const isRung = start - now <= QUEUE_DELAY_MAX_SECONDS * 1_000;
  const dueAt = Math.min(start + (isRung ? UNPICKED_SECONDS * 1_000 : 0), deadlineAt);
  return { deadlineAt, dueAt, ...(start > now && { startAfter: start }) };
}

/** Same body, same run: everything that the caller sent counts. */
function fingerprintOf(asked: Submission): string {
  const { idempotencyKey: _, ...body } = asked;
  return createHash('sha256')
    .update(JSON.stringify(sorted(body)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, it]) => [key, sorted(it)]),
  );
}
