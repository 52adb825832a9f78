// What a process remembers for a short time, so that not every call asks the stores.

import type { Key, Tenant } from './catalog.ts';

/** Bounded in size and time. The caller brings the time. */
export interface Cache<Value> {
  get(key: string, now: number): Value | undefined;
  set(key: string, value: Value, now: number): void;
  delete(key: string): void;
}

export interface Caches {
  tenants: Cache<Tenant>;
  /** By the keyed hash of the credential. */
  keys: Cache<Key>;
  /** Apart from `keys`, so that somebody who tries many credentials cannot push the good ones out. */
  unknownKeys: Cache<true>;
  /** By tenant: what signs its webhooks. */
  signingSecrets: Cache<SigningSecret[]>;
}

export interface SigningSecret {
  secret: string;
  /** Epoch milliseconds up to which a replaced secret signs too. */
  until?: number;
}
