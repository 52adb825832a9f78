// A PluginStore in memory, trusted because it passes the same contract as the one on DynamoDB.

import type { PluginStore, StoredPlugin } from '../../lambdas/core/ports/catalog.ts';

export function makeMemoryPluginStore(): PluginStore {
  const tenants = new Map<string, Map<string, StoredPlugin>>();
  const own = (tenant: string) => tenants.get(tenant) ?? new Map<string, StoredPlugin>();
  return {
    get: async (tenant, id) => structuredClone(own(tenant).get(id)),
    list: async (tenant) => structuredClone([...own(tenant).values()].sort((a, b) => (a.id < b.id ? -1 : 1))),
    async put(tenant, plugin) {
      tenants.set(tenant, own(tenant).set(plugin.id, structuredClone(plugin)));
    },
    remove: async (tenant, id) => own(tenant).delete(id),
  };
}
