// Accepting a run: everything is checked first, then one transaction makes it durable, then it is enqueued.

import * as z from 'zod';
import type { Caller } from '../access/caller.ts';
import { withUploads } from '../catalog/files.ts';
import { type Resolved, resolveForRun } from '../catalog/flows.ts';
import { readWebhooks } from '../deliver/targets.ts';
import { ApiError } from '../errors.ts';
import { duration } from '../flow/fields.ts';
import { type Offer, searchableValues, validateInputs, withOffers } from '../flow/inputs.ts';
import type { Plan } from '../flow/plan.ts';
import type { JsonObject } from '../json.ts';
import { IDEMPOTENCY_KEY_CHARS, MAX_INPUT_BYTES, MAX_METADATA_BYTES } from '../limits.ts';
import { parseOrReject } from '../parse/parse-or-reject.ts';
import type { Ports } from '../ports/ports.ts';
import type { NewRun } from '../ports/runs.ts';
import { type DialectName, NO_USAGE, type Run, type RunMode } from '../run.ts';
import { buildCredentials, type EarlierCredentials } from './credentials.ts';
import { createOnce } from './idempotency.ts';
import { queueDelaySeconds, scheduleRun } from './schedule.ts';
import { checkCaller, checkMode, checkRoom } from './submission-checks.ts';

/** What a dialect makes of a request; `unknown` fields are checked here, for all dialects alike. */
export interface Submission {
  flow: string;
  /** Of the run, where it was fixed before. */
  id?: string;
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
  /** They stay with the run when it has ended, for its reruns by the same key. */
  keepCredentials?: boolean;
  /** Of the run that this one repeats. */
  earlier?: EarlierCredentials;
  /** Credentials for plugins that the flow does not have are dropped instead of refused. */
  ignoresOtherPlugins?: true;
  idempotencyKey?: string;
  /** Finds the run by `conversationQuery`. */
  conversation?: string;
  echo?: JsonObject;
  rerunOf?: Run['rerunOf'];
  parent?: Run['parent'];
}

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
  timeout: duration({ minMs: 1_000 }).optional(),
  metadata: smallObject.optional(),
  user: z.string().min(1).max(256).optional(),
  idempotencyKey: z.string().min(1).max(IDEMPOTENCY_KEY_CHARS).optional(),
  conversation: z.string().min(1).max(256).optional(),
  echo: smallObject.optional(),
});

/**
 * Accepts a run. A sync or stream run comes back `running` with its lease held by this process: hand it to `runInline`.
 * Throws an ApiError that names what is wrong, having written nothing.
 */
export async function submit(
  ports: Ports,
  caller: Caller,
  asked: Submission,
): Promise<{ run: Run; replayed: boolean }> {
  const options = readOptions(asked);
  checkCaller(caller, asked);
  const resolved = await resolveForRun(ports, caller.tenant.id, asked.flow, {
    version: asked.version,
    ...(asked.draft && { draft: true }),
  });
  checkMode(asked.mode, resolved);
  const inputs = await buildInputs(ports, caller, { asked, specs: resolved.plan.inputs });
  const webhooks = readWebhooks(asked.webhooks, ports.http);
  const credentials = await buildCredentials(ports, caller, { asked, resolved });
  if (asked.mode === 'async') await checkRoom(ports, caller.tenant);

  const run = buildRun(ports, caller, { asked, options, resolved, webhookCount: webhooks.length });
  const hasCredentials = Object.keys(credentials).length > 0;
  if (hasCredentials) run.credentials = asked.keepCredentials ? 'kept' : 'once';
  const searchable = {
    ...searchableValues(resolved.plan.inputs, inputs),
    ...(asked.conversation !== undefined && { [CONVERSATION]: asked.conversation }),
  };
  const startedBy = caller.key.id;
  const fresh = { run, inputs, webhooks, searchable, startedBy, ...(hasCredentials && { credentials }) };
  return create(ports, caller, { fresh, asked });
}

function readOptions(asked: Submission) {
  return parseOrReject(optionsSchema, {
    priority: asked.priority,
    startAfter: asked.startAfter,
    timeout: asked.timeout,
    metadata: asked.metadata,
    user: asked.user,
    idempotencyKey: asked.idempotencyKey,
    conversation: asked.conversation,
    echo: asked.echo,
  });
}

interface Checked {
  asked: Submission;
  options: ReturnType<typeof readOptions>;
  resolved: Resolved;
  webhookCount: number;
}

function buildRun({ clock, ids }: Ports, caller: Caller, { asked, options, resolved, webhookCount }: Checked): Run {
  const { priority, startAfter, timeout: timeoutMs, metadata, user } = options;
  const now = clock.now();
  return {
    id: asked.id ?? ids.run(now),
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
    webhookCount,
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
    ...scheduleRun(now, asked, { startAfter, timeoutMs, plan: resolved.plan }),
  };
}

async function buildInputs(
  ports: Ports,
  { tenant }: Caller,
  { asked, specs }: { asked: Submission; specs: Plan['inputs'] },
): Promise<JsonObject> {
  const inputs = withOffers(specs, asked.inputs ?? {}, asked.offers ?? []);
  const valid = validateInputs(specs, await withUploads(ports, { tenant: tenant.id, specs }, inputs));
  if (Buffer.byteLength(JSON.stringify(valid)) <= MAX_INPUT_BYTES) return valid;
  throw new ApiError(
    'payload-too-large',
    `The inputs are larger than ${MAX_INPUT_BYTES / 1_024} KB: pass large files by reference`,
  );
}

/** Writes the run, or finds the one that the same request has created before. */
async function create(
  ports: Ports,
  caller: Caller,
  { fresh, asked }: { fresh: Omit<NewRun, 'idempotency'>; asked: Submission },
): Promise<{ run: Run; replayed: boolean }> {
  const { run } = fresh;
  await enterSync(ports, caller, run);
  try {
    const created = await createOnce(ports, fresh, asked);
    if (created.kind === 'replayed') {
      await leaveSync(ports, run);
      return { run: created.original, replayed: true };
    }
  } catch (error) {
    await leaveSync(ports, run);
    throw error;
  }
  if (run.mode === 'async') await enqueue(ports, run);
  return { run, replayed: false };
}

/** Synchronous calls have slots of their own and are never queued; `settleRun` or `runInline` frees the slot. */
async function enterSync(ports: Ports, { tenant }: Caller, run: Run): Promise<void> {
  if (run.mode === 'async') return;
  const slot = { tenant: tenant.id, runId: run.id, limit: tenant.limits.sync, now: run.createdAt };
  if (await ports.slots.enterSync(slot)) return;
  const message = `${tenant.limits.sync} synchronous runs are under way, the most this tenant may have: try again, or run asynchronously`;
  throw new ApiError('tenant-over-limit', message, { retryAfterSeconds: 5 });
}

async function leaveSync(ports: Ports, run: Run): Promise<void> {
  if (run.mode !== 'async') await ports.slots.leaveSync(run.tenant, run.id).catch(() => {});
}

/** Without its queue message the run is only late: the sweeper finds it. */
async function enqueue(ports: Ports, run: Run): Promise<void> {
  const delaySeconds = queueDelaySeconds(run);
  if (delaySeconds === undefined) return;
  try {
    await ports.queues.enqueueRuns([{ runId: run.id, tenant: run.tenant, ...(delaySeconds > 0 && { delaySeconds }) }]);
  } catch (error) {
    ports.log.warn('an accepted run could not be enqueued; the sweeper will do it', { run: run.id, error });
  }
}
