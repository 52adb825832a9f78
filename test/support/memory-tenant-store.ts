// A TenantStore in memory, trusted because it passes the same contract as the one on DynamoDB.

import { ApiError } from '../../lambdas/core/errors.ts';
import type { FirstKey, Key, Tenant, TenantStore } from '../../lambdas/core/ports/catalog.ts';

const HOUR_MS = 60 * 60 * 1_000;
const LIST_CURSOR = 'after ';

type WebhookSecrets = { sealed: string; until?: number }[];

export function makeMemoryTenantStore(): TenantStore {
  const tenants = new Map<string, Tenant>();
  const keys = new Map<string, Key>();
  const secrets = new Map<string, Map<string, { sealed: string; updatedAt: number }>>();
  const webhookSecrets = new Map<string, WebhookSecrets>();
  let first: FirstKey | undefined;

  return {
    tenant: async (id) => structuredClone(tenants.get(id)),
    putTenant: async (tenant) => void tenants.set(tenant.id, structuredClone(tenant)),
    async tenants({ limit, cursor }) {
      const after = readCursor(cursor);
      const rest = [...tenants.values()].filter(({ id }) => id > after).sort((a, b) => (a.id < b.id ? -1 : 1));
      const page = structuredClone(rest.slice(0, limit));
      const last = page.at(-1);
      return { tenants: page, next: last && page.length === limit ? LIST_CURSOR + last.id : null };
    },

    keyByHash: async (hash) => structuredClone(keys.get(hash)),
    async addKey(key, hash) {
      if (keys.has(hash)) throw new Error('The key exists already');
      keys.set(hash, structuredClone(key));
    },
    firstKey: async () => structuredClone(first),
    async addFirstKey(key, hash, known) {
      if (keys.has(hash) || first?.id !== known?.id || first?.open !== known?.open) return false;
      keys.set(hash, structuredClone(key));
      first = { id: key.id, tenant: key.tenant };
      return true;
    },
    keys: async (tenant) => structuredClone(ofTenant(keys, tenant).map(([, key]) => key)),
    async removeKey(tenant, id) {
      const found = ofTenant(keys, tenant).find(([, key]) => key.id === id);
      return found ? keys.delete(found[0]) : false;
    },
    async touchKey({ tenant, id }, now) {
      const found = ofTenant(keys, tenant).find(([, key]) => key.id === id)?.[1];
      if (found && (found.lastUsedAt ?? Number.NEGATIVE_INFINITY) < now - HOUR_MS) found.lastUsedAt = now;
    },

    async putSecret(tenant, name, sealed, now) {
      const own = secrets.get(tenant) ?? new Map();
      secrets.set(tenant, own.set(name, { sealed, updatedAt: now }));
    },
    async secrets(tenant) {
      const own = [...(secrets.get(tenant) ?? [])].map(([name, { updatedAt }]) => ({ name, updatedAt }));
      return own.sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    secret: async (tenant, name) => secrets.get(tenant)?.get(name)?.sealed,
    removeSecret: async (tenant, name) => secrets.get(tenant)?.delete(name) ?? false,

    webhookSecrets: async (tenant) => structuredClone(webhookSecrets.get(tenant) ?? []),
    async putWebhookSecrets(tenant, next, known) {
      if (webhookSecrets.get(tenant)?.[0]?.sealed !== known) return false;
      webhookSecrets.set(tenant, structuredClone(next));
      return true;
    },
  };
}

function ofTenant(keys: Map<string, Key>, tenant: string): [string, Key][] {
  return [...keys].filter(([, key]) => key.tenant === tenant).sort(([, a], [, b]) => (a.id < b.id ? -1 : 1));
}

function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  if (!cursor.startsWith(LIST_CURSOR)) throw new ApiError('invalid-request', 'cursor is not one of this list');
  return cursor.slice(LIST_CURSOR.length);
}
