// What the author of a flow may use of the tenant. A key without a flow administers the tenant, so it may use everything; a
// key that is bound to a flow uses what an administrator has granted to it, and without grants nothing.

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import { type Grants, RESOURCES, type Resource } from '../flow/uses.ts';
import { MAX_GRANTED_NAMES, MAX_GRANTS_BYTES } from '../limits.ts';
import type { Granted, Key } from '../ports/catalog.ts';

const names = z
  .array(z.string().min(1).max(256))
  .max(MAX_GRANTED_NAMES)
  .transform((it) => [...new Set(it)]);

export const grantsSchema = z
  .strictObject(
    Object.fromEntries(RESOURCES.map((it) => [it, names.optional()])) as Record<Resource, z.ZodOptional<typeof names>>,
  )
  .refine(
    (it) => Buffer.byteLength(JSON.stringify(it)) <= MAX_GRANTS_BYTES,
    `are larger than ${MAX_GRANTS_BYTES} bytes`,
  );

type Author = Pick<Key, 'flow' | 'grants' | 'scopes'>;

const isAuthor = ({ flow, scopes }: Author): boolean => flow !== undefined && scopes.includes('admin');

/** What a version or draft may use that somebody with this key publishes or saves. */
export function readGranted({ key }: { key: Author }): Granted {
  return key.flow === undefined ? 'all' : (key.grants ?? {});
}

/** Throws where grants would mean nothing: only a key that writes one flow is limited by them. */
export function checkGrants(key: Author): void {
  if (key.grants === undefined || isAuthor(key)) return;
  const message = "belong to a key that is bound to a flow and has the scope 'admin'";
  throw new ApiError('invalid-request', `grants ${message}`, { details: [{ field: 'grants', message }] });
}

/** Every list, empty where nothing was granted; null for a key that grants do not limit. */
export function renderGrants(key: Author): Required<Grants> | null {
  if (!isAuthor(key)) return null;
  return Object.fromEntries(RESOURCES.map((it) => [it, key.grants?.[it] ?? []])) as unknown as Required<Grants>;
}
