// The first tenant of a platform and its key with every scope, from which all others are made.

import { ApiError } from '../errors.ts';
import { type Key, SCOPES, type Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import { newNativeKey } from './key-forms.ts';
import { isCredential, newKeyId } from './keys.ts';
import { makeTenant } from './tenants.ts';

type BootstrapPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'keyring'>;

/** Creates what is missing of both; with the same `key` it may be repeated. Without one, a new key is made each time. */
export async function bootstrap(
  ports: BootstrapPorts,
  first: { tenant: string; key?: string },
): Promise<{ tenant: Tenant; key: Key; credential: string }> {
  const credential = first.key ?? newNativeKey(ports.ids);
  if (!isCredential(credential)) {
    throw new ApiError('invalid-request', 'A key is 1 to 512 visible ASCII characters without spaces');
  }
  const tenant = await ensureTenant(ports, first.tenant);
  return { tenant, key: await ensureKey(ports, tenant.id, credential), credential };
}

async function ensureTenant(ports: BootstrapPorts, id: string): Promise<Tenant> {
  const existing = await ports.tenants.tenant(id);
  if (existing) return existing;
  const tenant = makeTenant(id, ports.clock.now());
  await ports.tenants.putTenant(tenant);
  return tenant;
}

async function ensureKey(ports: BootstrapPorts, tenant: string, credential: string): Promise<Key> {
  const hash = await ports.keyring.hashKey(credential);
  const existing = await ports.tenants.keyByHash(hash);
  if (existing?.tenant === tenant) return existing;
  if (existing) throw new ApiError('invalid-request', 'This key belongs to another tenant');
  const id = newKeyId(ports.ids);
  const createdAt = ports.clock.now();
  const key: Key = { id, tenant, dialect: 'native', name: 'First key', scopes: [...SCOPES], createdAt };
  await ports.tenants.addKey(key, hash);
  return key;
}
