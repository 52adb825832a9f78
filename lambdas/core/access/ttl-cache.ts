// Remembers values for a short time, in this process only, and never more than it may.

import { CACHED_TENANTS, CACHED_UNKNOWN_KEYS, TENANT_CACHE_SECONDS } from '../limits.ts';
import type { Cache, Caches } from '../ports/cache.ts';

export function makeTtlCache<Value>(limits: { ttlSeconds: number; maxEntries: number }): Cache<Value> {
  const entries = new Map<string, { value: Value; until: number }>();

  return {
    get(key, now) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (now < entry.until) return entry.value;
      entries.delete(key);
      return undefined;
    },

    // A Map keeps the order of insertion, so its first entry is the oldest.
    set(key, value, now) {
      entries.delete(key);
      const [oldest] = entries.keys();
      if (entries.size >= limits.maxEntries && oldest !== undefined) entries.delete(oldest);
      entries.set(key, { value, until: now + limits.ttlSeconds * 1_000 });
    },

    delete(key) {
      entries.delete(key);
    },
  };
}

/** Those of one process: whoever makes the ports of a platform makes its caches. */
export function makeCaches(): Caches {
  const limits = { ttlSeconds: TENANT_CACHE_SECONDS, maxEntries: CACHED_TENANTS };
  return {
    tenants: makeTtlCache(limits),
    keys: makeTtlCache(limits),
    unknownKeys: makeTtlCache({ ...limits, maxEntries: CACHED_UNKNOWN_KEYS }),
    signingSecrets: makeTtlCache(limits),
  };
}
