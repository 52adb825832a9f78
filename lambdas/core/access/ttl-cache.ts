// Remembers values for a short time, in this process only, and never more than it was told to.

export interface TtlCache<Value> {
  get(key: string, now: number): Value | undefined;
  set(key: string, value: Value, now: number): void;
  delete(key: string): void;
}

export function makeTtlCache<Value>(limits: { ttlSeconds: number; maxEntries: number }): TtlCache<Value> {
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

/** One cache per store, so that two platforms in one process (as in tests) never see each other's entries. */
export function cachePerStore<Value>(limits: { ttlSeconds: number; maxEntries: number }) {
  const caches = new WeakMap<object, TtlCache<Value>>();
  return (store: object): TtlCache<Value> => {
    const cache = caches.get(store) ?? makeTtlCache<Value>(limits);
    caches.set(store, cache);
    return cache;
  };
}
