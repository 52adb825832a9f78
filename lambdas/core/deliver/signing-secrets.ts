// A tenant's webhook signing secrets. The first is derived, so a delivery writes nothing else; secrets that replace it are
// random, stored encrypted, and for a day the previous one signs, too.

import { createHash } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { WEBHOOK_SECRET_OVERLAP_SECONDS } from '../limits.ts';
import type { SigningSecret } from '../ports/cache.ts';
import type { Ports } from '../ports/ports.ts';
import { SECRET_PREFIX } from './signature.ts';

export type SecretPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'caches' | 'keyring'>;

// 43 characters of 62 hold 256 bits.
const SEED_CHARS = 43;
// Every secret adds a signature to every request.
const MAX_SECRETS = 5;
const WRITE_ATTEMPTS = 3;

/** Every secret that signs now, newest first; at most TENANT_CACHE_SECONDS old. */
export async function readSigningSecrets(ports: SecretPorts, tenant: string): Promise<string[]> {
  const now = ports.clock.now();
  const cached = ports.caches.signingSecrets.get(tenant, now);
  const secrets = cached ?? (await read(ports, tenant)).secrets;
  if (!cached) ports.caches.signingSecrets.set(tenant, secrets, now);
  return filterCurrent(secrets, now).map(({ secret }) => secret);
}

/** The newest secret, for the tenant to verify with. */
export async function readDeliverySecret(ports: SecretPorts, tenant: string): Promise<string> {
  const [newest] = (await read(ports, tenant)).secrets;
  if (!newest) throw new ApiError('unavailable');
  return newest.secret;
}

/** Makes a new secret; the previous one signs, too, for 24 hours. */
export async function rotateWebhookSecret(ports: SecretPorts, tenant: string): Promise<string> {
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt++) {
    const now = ports.clock.now();
    const { secrets, known } = await read(ports, tenant);
    const secret = SECRET_PREFIX + createHash('sha256').update(ports.ids.token(SEED_CHARS)).digest('base64');
    const replaced = filterCurrent(secrets, now).map((it) => ({
      until: now + WEBHOOK_SECRET_OVERLAP_SECONDS * 1_000,
      ...it,
    }));
    const next = [{ secret }, ...replaced].slice(0, MAX_SECRETS);
    if (await write(ports, tenant, { secrets: next, known })) return secret;
  }
  throw new ApiError('unavailable', 'Another caller is rotating the webhook secret: try again');
}

interface Stored {
  secrets: SigningSecret[];
  /** The newest as it is stored; undefined before the first rotation. */
  known: string | undefined;
}

async function read({ tenants, keyring }: SecretPorts, tenant: string): Promise<Stored> {
  const context = sealingContext(tenant);
  const stored = await tenants.webhookSecrets(tenant);
  if (stored.length === 0) {
    return { secrets: [{ secret: SECRET_PREFIX + (await keyring.derive(context)) }], known: undefined };
  }
  const secrets = stored.map(async ({ sealed, ...rest }) => ({ secret: await keyring.open(sealed, context), ...rest }));
  return { secrets: await Promise.all(secrets), known: stored[0]?.sealed };
}

async function write(
  { tenants, caches, keyring }: SecretPorts,
  tenant: string,
  { secrets, known }: Stored,
): Promise<boolean> {
  const context = sealingContext(tenant);
  const sealed = secrets.map(async ({ secret, ...rest }) => ({ sealed: await keyring.seal(secret, context), ...rest }));
  const written = await tenants.putWebhookSecrets(tenant, await Promise.all(sealed), known);
  caches.signingSecrets.delete(tenant);
  return written;
}

function filterCurrent(secrets: readonly SigningSecret[], now: number): SigningSecret[] {
  return secrets.filter(({ until }) => until === undefined || until > now);
}

function sealingContext(tenant: string): string {
  return `webhook-secret/${tenant}`;
}
