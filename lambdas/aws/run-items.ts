// Runs, node results and payloads as items. JSON travels as one string attribute: cheaper than a map, and exact.

import type { JsonObject } from '../core/json.ts';
import { INLINE_PAYLOAD_BYTES } from '../core/limits.ts';
import type { NodeRecord, Run } from '../core/run.ts';
import { isSettled } from '../core/run.ts';
import { fromItem, type Item, toItem } from './dynamo.ts';
import type { Payloads } from './payloads.ts';
import { dueShard, expiry, META, nodeSk, runPk } from './run-keys.ts';

/** A JSON text beside the item, or its S3 key where it is too large for a cheap write. */
export interface Stored {
  json?: string;
  ref?: string;
}

export async function store(payloads: Payloads, key: string, value: unknown): Promise<Stored> {
  const json = JSON.stringify(value);
  if (Buffer.byteLength(json) <= INLINE_PAYLOAD_BYTES) return { json };
  await payloads.put(key, json);
  return { ref: key };
}

export async function restore<T>(payloads: Payloads, stored: Stored): Promise<T> {
  const json = stored.ref === undefined ? stored.json : await payloads.get(stored.ref);
  if (json === undefined) throw new Error(`The payload ${stored.ref} is gone`);
  return JSON.parse(json) as T;
}

/** The S3 prefix of everything that belongs to a run. */
export const payloadKey = (run: { tenant: string; id: string }, name: string): string =>
  `runs/${run.tenant}/${run.id}/${encodeURIComponent(name)}`;

type RunItem = Omit<Run, 'tenant' | 'id' | 'user' | 'metadata' | 'error' | 'usage' | 'rerunOf' | 'handoffs'> & {
  pk: string;
  sk: string;
  tenantKey: string;
  runId: string;
  /** `handoffs`: the name under which runs were stored before. */
  handovers: number;
  userId?: string;
  metadata?: string;
  error?: string;
  usage: string;
  rerunOf?: string;
  endStatus?: string;
  dueShard?: string;
  ttl?: number;
};

export function runToItem(run: Run): Item {
  const { id, tenant, user, metadata, error, usage, rerunOf, handoffs, ...rest } = run;
  const item: RunItem = {
    ...rest,
    pk: runPk(id),
    sk: META,
    runId: id,
    tenantKey: tenant,
    handovers: handoffs,
    usage: JSON.stringify(usage),
    ttl: expiry(run.createdAt),
    userId: user,
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
    ...(error !== undefined && { error: JSON.stringify(error) }),
    ...(rerunOf !== undefined && { rerunOf: JSON.stringify(rerunOf) }),
    ...(run.dueAt !== undefined && { dueShard: dueShard(id) }),
    ...(isSettled(run.status) && { endStatus: run.status }),
  };
  return toItem(item);
}

export function runFromItem(item: Item): Run {
  const {
    pk,
    sk,
    tenantKey,
    runId,
    userId,
    metadata,
    error,
    usage,
    rerunOf,
    endStatus,
    dueShard,
    ttl,
    handovers,
    ...rest
  } = fromItem<RunItem>(item);
  return {
    ...rest,
    id: runId,
    tenant: tenantKey,
    handoffs: handovers,
    usage: JSON.parse(usage),
    user: userId,
    ...(metadata !== undefined && { metadata: JSON.parse(metadata) as JsonObject }),
    ...(error !== undefined && { error: JSON.parse(error) }),
    ...(rerunOf !== undefined && { rerunOf: JSON.parse(rerunOf) }),
  };
}

/** A node result: its output beside the small fields, so a large one can live in S3. */
export async function nodeToItem(payloads: Payloads, run: { tenant: string; id: string }, record: NodeRecord) {
  const { output, ...rest } = record;
  const stored =
    output === undefined ? {} : await store(payloads, payloadKey(run, `${record.path}@${record.epoch}`), output);
  const item = {
    pk: runPk(run.id),
    sk: nodeSk(record.path),
    status: record.status,
    epoch: record.epoch,
    record: JSON.stringify(rest),
    ttl: expiry(record.startedAt),
    ...stored,
  };
  return toItem(item);
}

export async function nodeFromItem(payloads: Payloads, item: Item): Promise<NodeRecord> {
  const { record, json, ref } = fromItem<Stored & { record: string }>(item);
  const rest = JSON.parse(record) as NodeRecord;
  if (json === undefined && ref === undefined) return rest;
  return { ...rest, output: await restore(payloads, { ...(json && { json }), ...(ref && { ref }) }) };
}
