// Tenants: who pays and is limited. Their keys belong to keys.ts; requests are checked against the schemas at the edge.

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import {
  LIST_PAGE_DEFAULT,
  LIST_PAGE_MAX,
  MAX_NAME_CHARS,
  TENANT_CONCURRENCY,
  TENANT_CONCURRENCY_MAX,
  TENANT_LIMIT_MAX,
  TENANT_QUEUED,
  TENANT_SYNC,
} from '../limits.ts';
import type { Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';

type TenantPorts = Pick<Ports, 'clock' | 'ids' | 'tenants' | 'caches'>;

// The id is part of table keys and is the message group of the fair queues (128 characters).
const TENANT_ID = /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/;
const GENERATED_ID_CHARS = 12;
// DynamoDB keeps no number nearer to zero than 1e-130; less than this prices nothing.
const MIN_CREDITS_PER_USD = 0.000_001;
const DEFAULT_CREDITS_PER_USD = 100;

const SETTINGS = {
  name: z.string().trim().min(1).max(MAX_NAME_CHARS),
  limits: z.strictObject({
    concurrency: z.int().min(1).max(TENANT_CONCURRENCY_MAX).optional(),
    queued: z.int().min(0).max(TENANT_LIMIT_MAX).optional(),
    sync: z.int().min(0).max(TENANT_LIMIT_MAX).optional(),
  }),
  entitlements: z.strictObject({ async: z.boolean().optional() }),
  creditsPerUsd: z.number().min(MIN_CREDITS_PER_USD).max(TENANT_LIMIT_MAX),
};

export const tenantUpdateSchema = z.strictObject(SETTINGS).partial();
export type TenantUpdate = z.output<typeof tenantUpdateSchema>;

export const newTenantSchema = tenantUpdateSchema.extend({
  id: z
    .string()
    .regex(TENANT_ID, 'must be 1 to 64 characters of 0-9 A-Z a-z _ -, beginning with a letter or digit')
    .optional(),
});
export type NewTenant = z.output<typeof newTenantSchema>;

export async function createTenant(ports: TenantPorts, asked: NewTenant): Promise<Tenant> {
  const { id = ports.ids.token(GENERATED_ID_CHARS), ...settings } = asked;
  if (await ports.tenants.tenant(id)) {
    const message = `There is a tenant '${id}' already`;
    throw new ApiError('invalid-request', message, { details: [{ field: 'id', message }] });
  }
  return keep(ports, merged(makeTenant(id, ports.clock.now()), settings));
}

/** As of at most TENANT_CACHE_SECONDS ago; ApiError('not-found') where there is none. */
export async function getTenant(ports: TenantPorts, id: string): Promise<Tenant> {
  const tenant = await findTenant(ports, id);
  if (!tenant) throw new ApiError('not-found', `There is no tenant '${id}'`);
  return tenant;
}

export async function findTenant(ports: TenantPorts, id: string): Promise<Tenant | undefined> {
  const cache = ports.caches.tenants;
  const now = ports.clock.now();
  const cached = cache.get(id, now);
  if (cached) return cached;
  const tenant = await ports.tenants.tenant(id);
  if (tenant) cache.set(id, tenant, now);
  return tenant;
}

/** As it is now: an operator sees at once what was changed, whichever process changed it. */
export async function readTenant(ports: TenantPorts, id: string): Promise<Tenant> {
  const tenant = await ports.tenants.tenant(id);
  if (!tenant) throw new ApiError('not-found', `There is no tenant '${id}'`);
  ports.caches.tenants.set(id, tenant, ports.clock.now());
  return tenant;
}

/** Fields that are not given stay as they are. */
export async function updateTenant(ports: TenantPorts, id: string, changes: TenantUpdate): Promise<Tenant> {
  return keep(ports, merged(await readTenant(ports, id), changes));
}

export function listTenants(
  ports: TenantPorts,
  page: { limit?: number; cursor?: string } = {},
): Promise<{ tenants: Tenant[]; next: string | null }> {
  const limit = Math.min(Math.max(page.limit ?? LIST_PAGE_DEFAULT, 1), LIST_PAGE_MAX);
  return ports.tenants.tenants({ limit, cursor: page.cursor });
}

export function renderTenant(tenant: Tenant) {
  return { ...tenant, createdAt: new Date(tenant.createdAt).toISOString() };
}

export function makeTenant(id: string, now: number): Tenant {
  return {
    id,
    name: id,
    limits: { concurrency: TENANT_CONCURRENCY, queued: TENANT_QUEUED, sync: TENANT_SYNC },
    entitlements: { async: true },
    creditsPerUsd: DEFAULT_CREDITS_PER_USD,
    createdAt: now,
  };
}

function merged(tenant: Tenant, changes: TenantUpdate): Tenant {
  const { limits = {}, entitlements = {} } = changes;
  return {
    ...tenant,
    name: changes.name ?? tenant.name,
    limits: {
      concurrency: limits.concurrency ?? tenant.limits.concurrency,
      queued: limits.queued ?? tenant.limits.queued,
      sync: limits.sync ?? tenant.limits.sync,
    },
    entitlements: { async: entitlements.async ?? tenant.entitlements.async },
    creditsPerUsd: changes.creditsPerUsd ?? tenant.creditsPerUsd,
  };
}

async function keep(ports: TenantPorts, tenant: Tenant): Promise<Tenant> {
  await ports.tenants.putTenant(tenant);
  ports.caches.tenants.set(tenant.id, tenant, ports.clock.now());
  return tenant;
}
