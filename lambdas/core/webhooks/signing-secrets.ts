// A tenant's webhook signing secrets: made on first use, rotated with a day of overlap, kept sealed.

import { createHash } from 'node:crypto';
import { PlatformError } from '../errors.ts';
import { TENANT_CACHE_SECONDS } from '../limits.ts';
import type { Ports } from '../ports.ts';
import { cachePerStore } from '../ttl-cache.ts';
import { SECRET_PREFIX } from './signature.ts';

export type SecretPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'keyring'>;

interface Kept {
  sealed: string;
  /** Epoch milliseconds up to which a replaced secret signs too. */
  until?: number;
}

const OVERLAP_SECONDS = 24 * 60 * 60;
// 43 characters of 62 hold 256 bits.
const SEED_CHARS = 43;
// Every secret adds a signature to every request.
const MAX_SECRETS = 5;
const WRITE_ATTEMPTS = 3;

const cache = cachePerStore<Kept[]>({ ttlSeconds: TENANT_CACHE_SECONDS, maxEntries: 10_000 });

/** Every secret that signs now, newest first, as of at most TENANT_CACHE_SECONDS ago. */
export async function signingSecrets(ports: SecretPorts, tenant: string): Promise<string[]> {
  const now = ports.clock.now();
  const cached = cache(ports.tenants).get(tenant, now);
  const kept = cached ?? (await ensureSecret(ports, tenant));
  if (!cached) cache(ports.tenants).set(tenant, kept, now);
  return Promise.all(signing(kept, now).map(({ sealed }) => ports.keyring.open(sealed, contextOf(tenant))));
}

/** The newest secret, for the tenant to verify with. */
export async function deliverySecret(ports: SecretPorts, tenant: string): Promise<string> {
  const [newest] = await ensureSecret(ports, tenant);
  if (!newest) throw new PlatformError('unavailable');
  return ports.keyring.open(newest.sealed, contextOf(tenant));
}

/** Makes a new secret; the one before signs beside it for 24 hours. */
export async function rotateWebhookSecret(ports: SecretPorts, tenant: string): Promise<string> {
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
    const now = ports.clock.now();
    const kept = await ports.tenants.webhookSecrets(tenant);
    const secret = newSecret(ports);
    const retired = signing(kept, now).map((it) => ({ until: now + OVERLAP_SECONDS * 1_000, ...it }));
    const fresh = { sealed: await ports.keyring.seal(secret, contextOf(tenant)) };
    const next = [fresh, ...retired].slice(0, MAX_SECRETS);
    if (await ports.tenants.putWebhookSecrets(tenant, next, kept[0]?.sealed)) {
      cache(ports.tenants).delete(tenant);
      return secret;
    }
  }
  throw new PlatformError('unavailable', 'The webhook secret is being rotated by somebody else');
}

// Of several that make the first secret at once, one is written and all use that one.
async function ensureSecret(ports: SecretPorts, tenant: string): Promise<Kept[]> {
  const kept = await ports.tenants.webhookSecrets(tenant);
  if (kept.length > 0) return kept;
  const first = [{ sealed: await ports.keyring.seal(newSecret(ports), contextOf(tenant)) }];
  const written = await ports.tenants.putWebhookSecrets(tenant, first, undefined);
  return written ? first : ports.tenants.webhookSecrets(tenant);
}

function signing(kept: readonly Kept[], now: number): Kept[] {
  return kept.filter(({ until }) => until === undefined || until > now);
}

function newSecret({ ids }: SecretPorts): string {
  return SECRET_PREFIX + createHash('sha256').update(ids.token(SEED_CHARS)).digest('base64');
}

function contextOf(tenant: string): string {
  return `webhook-secret/${tenant}`;
}
