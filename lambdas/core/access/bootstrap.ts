// The first tenant of a platform and its key with every scope, from which all others are made. Whoever may call this becomes
// operator, so it works only while there is no operator.

import { ApiError } from '../errors.ts';
import { LIST_PAGE_MAX } from '../limits.ts';
import { type Key, SCOPES, type Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import { newNativeKey } from './key-forms.ts';
import { isCredential, isExpired, newKeyId } from './keys.ts';
import { makeTenant } from './tenants.ts';

type BootstrapPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'keyring'>;

/** Creates what is missing of both. With the `key` that it made it may be repeated; otherwise it is refused while a key with
 * the scope operator exists, unless somebody has opened it again in the table (docs/runbook.md). */
export async function bootstrap(
  ports: BootstrapPorts,
  first: { tenant: string; key?: string },
): Promise<{ tenant: Tenant; key: Key; credential: string }> {
  const credential = first.key ?? newNativeKey(ports.ids);
  if (!isCredential(credential)) {
    throw new ApiError('invalid-request', 'A key is 1 to 512 visible ASCII characters without spaces');
  }
  const hash = await ports.keyring.hashKey(credential);
  const existing = await ports.tenants.keyByHash(hash);
  if (existing && existing.tenant !== first.tenant) {
    throw new ApiError('invalid-request', 'This key belongs to another tenant');
  }
  if (existing) return { tenant: await ensureTenant(ports, first.tenant), key: existing, credential };
  const known = await ports.tenants.firstKey();
  if (!known?.open && (await hasOperator(ports))) throw refusal();
  const tenant = await ensureTenant(ports, first.tenant);
  const key = makeFirstKey(ports, tenant.id);
  if (!(await ports.tenants.addFirstKey(key, hash, known))) throw refusal();
  return { tenant, key, credential };
}

function refusal(): ApiError {
  const how = 'make others with it (POST /v1/keys). If it is lost, see docs/runbook.md, First key';
  return new ApiError('forbidden', `A key with the scope 'operator' exists already: ${how}`);
}

async function hasOperator({ tenants, clock }: BootstrapPorts): Promise<boolean> {
  let cursor: string | undefined;
  do {
    const page = await tenants.tenants({ limit: LIST_PAGE_MAX, cursor });
    for (const { id } of page.tenants) {
      const keys = await tenants.keys(id);
      if (keys.some((key) => key.scopes.includes('operator') && !isExpired(key, clock.now()))) return true;
    }
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return false;
}

function makeFirstKey({ ids, clock }: BootstrapPorts, tenant: string): Key {
  const id = newKeyId(ids);
  return { id, tenant, dialect: 'native', name: 'First key', scopes: [...SCOPES], createdAt: clock.now() };
}

async function ensureTenant(ports: BootstrapPorts, id: string): Promise<Tenant> {
  const existing = await ports.tenants.tenant(id);
  if (existing) return existing;
  const tenant = makeTenant(id, ports.clock.now());
  await ports.tenants.putTenant(tenant);
  return tenant;
}
