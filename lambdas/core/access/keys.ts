// Keys: who calls, and what they may do. A key is stored as its keyed hash and shown once, when it is issued.

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_CHARS_MAX, KEY_TOUCH_SECONDS, MAX_NAME_CHARS, MAX_VENDOR_IDS } from '../limits.ts';
import { type Key, SCOPES, type Scope, type Tenant } from '../ports/catalog.ts';
import type { Ids, Ports } from '../ports/ports.ts';
import { DIALECTS, type DialectName } from '../run.ts';
import { checkGrants, grantsSchema, renderGrants } from './grants.ts';
import { KEY_FORMS } from './key-forms.ts';
import { requireFlow, requireUnbound } from './run-access.ts';
import { findTenant, getTenant } from './tenants.ts';

type KeyPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'caches' | 'keyring' | 'log'>;

const KEY_ID_CHARS = 16;

export function newKeyId(ids: Ids): string {
  return `key_${ids.token(KEY_ID_CHARS)}`;
}

const flowName = z.string().min(1).max(128);

export const newKeySchema = z.strictObject({
  dialect: z.enum(DIALECTS).default('native'),
  flow: flowName.optional(),
  ids: z
    .record(z.string().min(1).max(128), flowName)
    .refine((ids) => Object.keys(ids).length <= MAX_VENDOR_IDS, `may map at most ${MAX_VENDOR_IDS} ids`)
    .optional(),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['run']),
  grants: grantsSchema.optional(),
  name: z.string().trim().min(1).max(MAX_NAME_CHARS).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
  /** Only for an operator, who hands a new tenant its first key. */
  tenant: z.string().min(1).max(64).optional(),
});
export type NewKey = z.input<typeof newKeySchema>;

/**
 * Who holds the credential, as of at most TENANT_CACHE_SECONDS ago; else ApiError('unauthenticated'). A key opens
 * the wire of its own dialect only.
 */
export async function authenticate(
  ports: KeyPorts,
  credential: string,
  dialect: DialectName = 'native',
): Promise<{ tenant: Tenant; key: Key }> {
  return admitted(ports, isCredential(credential) ? await findKey(ports, credential) : undefined, dialect);
}

/**
 * Whose public id signed the request (`tencentLookup`, `huaweiLookup`). The signature is the caller's to verify: until
 * then this says nothing about who is there.
 */
export async function authenticateSigner(
  ports: KeyPorts,
  lookup: string,
  dialect: DialectName,
): Promise<{ tenant: Tenant; key: Key }> {
  return admitted(ports, await findKey(ports, lookup), dialect);
}

async function admitted(ports: KeyPorts, key: Key | undefined, dialect: DialectName) {
  // The same answer for every reason: the caller learns nothing about keys that exist.
  if (!key || key.dialect !== dialect || isExpired(key, ports.clock.now())) throw new ApiError('unauthenticated');
  const tenant = await findTenant(ports, key.tenant);
  if (!tenant) throw new ApiError('unauthenticated');
  return { tenant, key };
}

/** Every key may run; the other scopes are granted one by one. */
export function requireScope(caller: { key: Key }, scope: Scope): void {
  if (scope === 'run' || caller.key.scopes.includes(scope)) return;
  throw new ApiError('forbidden', `This needs a key with the scope '${scope}'`);
}

/** Makes a key for the caller's tenant. `credentials` are shown to the caller and kept nowhere. */
export async function issueKey(
  ports: KeyPorts,
  caller: { tenant: Tenant; key: Key },
  asked: NewKey,
): Promise<{ key: Key; credentials: Record<string, string> }> {
  const { dialect, tenant = caller.tenant.id, expiresAt, scopes, ...rest } = newKeySchema.parse(asked);
  // Nobody hands out more than they have.
  for (const scope of scopes) requireScope(caller, scope);
  if (tenant !== caller.tenant.id) requireScope(caller, 'operator');
  requireUnbound(caller);
  checkGrants({ ...rest, scopes });
  await getTenant(ports, tenant);
  const now = ports.clock.now();
  const ends = expiresAt === undefined ? undefined : Date.parse(expiresAt);
  if (ends !== undefined && ends <= now) throw refused('expiresAt', 'The key would have expired already');
  const { credentials, lookup } = await KEY_FORMS[dialect](ports.ids, ports.keyring);
  const key: Key = {
    id: newKeyId(ports.ids),
    tenant,
    dialect,
    scopes: [...new Set(scopes)],
    createdAt: now,
    expiresAt: ends,
    name: rest.name,
    flow: rest.flow,
    ids: rest.ids,
    grants: rest.grants,
  };
  await ports.tenants.addKey(key, await ports.keyring.hashKey(lookup));
  return { key, credentials };
}

export function listKeys(ports: Pick<Ports, 'tenants'>, tenant: string): Promise<Key[]> {
  return ports.tenants.keys(tenant);
}

/** Takes effect within TENANT_CACHE_SECONDS everywhere. */
export async function revokeKey(ports: Pick<Ports, 'tenants'>, tenant: string, id: string): Promise<void> {
  if (!(await ports.tenants.removeKey(tenant, id))) throw new ApiError('not-found', `There is no key '${id}'`);
}

/** The key as the API shows it. */
export function renderKey(key: Key) {
  return {
    id: key.id,
    dialect: key.dialect,
    flow: key.flow ?? null,
    ids: key.ids ?? {},
    scopes: key.scopes,
    grants: renderGrants(key),
    name: key.name ?? null,
    createdAt: toIso(key.createdAt),
    expiresAt: toIso(key.expiresAt),
    lastUsedAt: toIso(key.lastUsedAt),
  };
}

async function findKey(ports: KeyPorts, credential: string): Promise<Key | undefined> {
  const now = ports.clock.now();
  const hash = await ports.keyring.hashKey(credential);
  const { keys, unknownKeys } = ports.caches;
  const cached = keys.get(hash, now);
  if (cached) return cached;
  if (unknownKeys.get(hash, now)) return undefined;
  const key = await ports.tenants.keyByHash(hash);
  if (key) keys.set(hash, key, now);
  else unknownKeys.set(hash, true, now);
  if (key && !isExpired(key, now)) await touch(ports, key, now);
  return key;
}

// Coarse, and never a reason to refuse the caller.
async function touch(ports: KeyPorts, key: Key, now: number): Promise<void> {
  if (key.lastUsedAt !== undefined && now - key.lastUsedAt < KEY_TOUCH_SECONDS * 1_000) return;
  try {
    await ports.tenants.touchKey(key, now);
  } catch (error) {
    ports.log.warn('The last use of a key was not recorded', { key: key.id, tenant: key.tenant, error });
  }
}

export function isExpired(key: Key, now: number): boolean {
  return key.expiresAt !== undefined && key.expiresAt <= now;
}

/** What may stand in an Authorization header. */
export function isCredential(text: string): boolean {
  return text.length <= CREDENTIAL_CHARS_MAX && /^[\x21-\x7e]+$/.test(text);
}

function refused(field: string, message: string): ApiError {
  return new ApiError('invalid-request', message, { details: [{ field, message }] });
}

function toIso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** A vendor's id of a workflow is the name of a flow, or one that the key maps to it. */
export function resolveFlow(caller: { key: Key }, vendorId: string): string {
  const { ids = {} } = caller.key;
  // An id may be called `constructor`, which every object has.
  const named = Object.hasOwn(ids, vendorId) ? ids[vendorId] : undefined;
  const flow = named ?? vendorId;
  requireFlow(caller, flow);
  return flow;
}

/** The id under which the caller knows the flow: the other way round. */
export function resolveVendorId({ key }: { key: Key }, flow: string): string {
  return Object.entries(key.ids ?? {}).find(([, name]) => name === flow)?.[0] ?? flow;
}

/** For wires that name no workflow: the key says which. */
export function boundFlow({ key }: { key: Key }): string {
  if (key.flow !== undefined) return key.flow;
  throw new ApiError('forbidden', 'The key is bound to no flow: issue one with `flow`');
}
