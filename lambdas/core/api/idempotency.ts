// The same request with the same idempotency key starts one run: the first creates it, the others get it.

import { createHash } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { canonicalJson } from '../parse/canonical-json.ts';
import type { Ports } from '../ports/ports.ts';
import type { NewRun } from '../ports/runs.ts';
import type { Run } from '../run.ts';
import type { Submission } from './submit.ts';

export type Created = { kind: 'created' } | { kind: 'replayed'; original: Run };

/** Creates the run, unless a request with its idempotency key has created one before. */
export async function createOnce(
  ports: Ports,
  fresh: Omit<NewRun, 'idempotency'>,
  asked: Submission,
): Promise<Created> {
  const { idempotencyKey: key } = asked;
  if (key === undefined) {
    await ports.runs.create(fresh);
    return { kind: 'created' };
  }
  const fingerprint = fingerprintRequest(asked);
  for (let replaces: string | undefined; ; ) {
    const created = await ports.runs.create({ ...fresh, idempotency: { key, fingerprint, replaces } });
    if (created.kind === 'created') return created;
    if (created.fingerprint !== fingerprint) throw new ApiError('idempotency-conflict');
    const original = await ports.runs.get(created.runId);
    // The key of a failed run is free again: the caller repeats because it wants a success. (A `flow` node repeats because it
    // was interrupted; another attempt has another key.)
    if (original && (original.status !== 'failed' || asked.parent)) return { kind: 'replayed', original };
    replaces = created.runId;
  }
}

/** Equal for requests in which everything that the caller sent is equal. */
export function fingerprintRequest({ idempotencyKey: _, id: __, ...body }: Submission): string {
  // Read back, because stored fingerprints have keys that are whole numbers first, as JavaScript orders them.
  const text = JSON.stringify(JSON.parse(canonicalJson(body)));
  return createHash('sha256').update(text).digest('hex');
}
