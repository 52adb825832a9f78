// What the core needs to keep a tenant's belongings: flows and versions, keys, secrets, plugins.

import type { Compiled, Plan } from '../flow/plan.ts';
import type { JsonObject } from '../json.ts';
import type { DialectName } from '../run.ts';

export interface FlowSummary {
  tenant: string;
  name: string;
  title?: string;
  enabled: boolean;
  createdAt: number;
  updatedAt: number;
  /** Newest published version. */
  latest?: { version: string; digest: string; publishedAt: number };
  draft?: { etag: string; digest?: string; updatedAt: number };
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowVersion {
  version: string;
  digest: string;
  source: string;
  publishedAt: number;
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowStore {
  get(tenant: string, name: string): Promise<FlowSummary | undefined>;
  list(
    tenant: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ flows: FlowSummary[]; next: string | null }>;
  draft(tenant: string, name: string): Promise<{ etag: string; source: string; compiled: Compiled } | undefined>;
  /** Stores the draft (and its plan, where it has one). `ifMatch` refuses an outdated editor: then undefined. */
  putDraft(draft: {
    tenant: string;
    name: string;
    source: string;
    etag: string;
    compiled: Compiled;
    now: number;
    ifMatch?: string;
  }): Promise<FlowSummary | undefined>;
  /** Adds an immutable version, unless the newest is no longer `after`: then undefined. */
  addVersion(version: {
    tenant: string;
    name: string;
    version: FlowVersion;
    plan: Plan;
    after?: string;
  }): Promise<FlowSummary | undefined>;
  /** Newest first. */
  versions(tenant: string, name: string): Promise<FlowVersion[]>;
  version(tenant: string, name: string, version: string): Promise<FlowVersion | undefined>;
  /** Plans are content-addressed and cached. */
  plan(tenant: string, name: string, digest: string): Promise<Plan | undefined>;
  setEnabled(tenant: string, name: string, enabled: boolean, now: number): Promise<FlowSummary | undefined>;
  /** Removes the flow from the catalog; plans of runs stay until they expire. */
  remove(tenant: string, name: string): Promise<boolean>;
}

export interface Tenant {
  id: string;
  name: string;
  limits: { concurrency: number; queued: number; sync: number };
  entitlements: { async: boolean };
  creditsPerUsd: number;
  createdAt: number;
}

export const SCOPES = ['run', 'admin', 'operator'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Key {
  id: string;
  tenant: string;
  dialect: DialectName;
  name?: string;
  /** Bound to one flow. */
  flow?: string;
  /** Vendor ids in requests → flow names. */
  ids?: Record<string, string>;
  scopes: Scope[];
  createdAt: number;
  expiresAt?: number;
  lastUsedAt?: number;
}

/** The first key of the platform. `open`: somebody who may write the table allows one more (docs/runbook.md). */
export interface FirstKey {
  id?: string;
  tenant?: string;
  open?: boolean;
}

export interface TenantStore {
  tenant(id: string): Promise<Tenant | undefined>;
  putTenant(tenant: Tenant): Promise<void>;
  tenants(page: { limit: number; cursor?: string }): Promise<{ tenants: Tenant[]; next: string | null }>;
  /** `hash` is the keyed hash of the whole credential. */
  keyByHash(hash: string): Promise<Key | undefined>;
  addKey(key: Key, hash: string): Promise<void>;
  /** Undefined on a platform that has made none. */
  firstKey(): Promise<FirstKey | undefined>;
  /** Adds the key as the first one. False, and nothing written, when what `firstKey` has is no longer `known`. */
  addFirstKey(key: Key, hash: string, known: FirstKey | undefined): Promise<boolean>;
  keys(tenant: string): Promise<Key[]>;
  removeKey(tenant: string, id: string): Promise<boolean>;
  /** Coarse: at most one write an hour and key. */
  touchKey(key: Key, now: number): Promise<void>;
  /** Sealed values (see Keyring); names are returned, values never leave the core. */
  putSecret(tenant: string, name: string, sealed: string, now: number): Promise<void>;
  secrets(tenant: string): Promise<{ name: string; updatedAt: number }[]>;
  secret(tenant: string, name: string): Promise<string | undefined>;
  removeSecret(tenant: string, name: string): Promise<boolean>;
  /** Sealed webhook signing secrets, newest first; an older one signs too until `until`. */
  webhookSecrets(tenant: string): Promise<{ sealed: string; until?: number }[]>;
  /** False, and nothing written, when the newest is no longer `known` (undefined: there was none). */
  putWebhookSecrets(
    tenant: string,
    secrets: { sealed: string; until?: number }[],
    known: string | undefined,
  ): Promise<boolean>;
}

export interface StoredPlugin {
  id: string;
  /** What catalog/plugins.ts makes of it; opaque to the store. */
  definition: JsonObject;
  /** Credentials of the tenant (see Keyring). */
  sealed?: string;
  updatedAt: number;
}

export interface PluginStore {
  get(tenant: string, id: string): Promise<StoredPlugin | undefined>;
  /** By id. */
  list(tenant: string): Promise<StoredPlugin[]>;
  put(tenant: string, plugin: StoredPlugin): Promise<void>;
  remove(tenant: string, id: string): Promise<boolean>;
}
