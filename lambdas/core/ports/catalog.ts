// What the core needs to keep a tenant's belongings: flows and versions, keys, secrets, plugins.

import type { Compiled, Plan } from '../flow/plan.ts';
import type { Grants } from '../flow/uses.ts';
import type { JsonObject } from '../json.ts';
import type { DialectName } from '../run.ts';

/** What a draft or version may use of the tenant: what was granted to the key that saved or published it. */
export type Granted = 'all' | Grants;

export interface FlowSummary {
  tenant: string;
  name: string;
  title?: string;
  enabled: boolean;
  createdAt: number;
  updatedAt: number;
  /** Newest published version. */
  latest?: { version: string; digest: string; publishedAt: number; granted?: Granted };
  draft?: { etag: string; digest?: string; updatedAt: number };
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowVersion {
  version: string;
  digest: string;
  source: string;
  publishedAt: number;
  /** Absent where it was published before there were grants: then it may use all. */
  granted?: Granted;
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface StoredDraft {
  etag: string;
  source: string;
  compiled: Compiled;
  /** Absent where it was saved before there were grants: then nobody knows whose it is. */
  granted?: Granted;
}

/** `outdated`: somebody else has changed the flow since it was read. */
export type StoredFlow = { kind: 'stored'; flow: FlowSummary } | { kind: 'outdated' };

export interface FlowStore {
  get(tenant: string, name: string): Promise<FlowSummary | undefined>;
  list(
    tenant: string,
    page: { limit: number; cursor?: string },
  ): Promise<{ flows: FlowSummary[]; next: string | null }>;
  draft(tenant: string, name: string): Promise<StoredDraft | undefined>;
  /** Stores the draft (and its plan, where it has one), unless it is no longer the one that `ifMatch` names. */
  putDraft(draft: {
    tenant: string;
    name: string;
    source: string;
    etag: string;
    compiled: Compiled;
    granted?: Granted;
    now: number;
    ifMatch?: string;
  }): Promise<StoredFlow>;
  /** Adds an immutable version, unless there is no such flow or its newest version is no longer `after`. */
  addVersion(version: {
    tenant: string;
    name: string;
    version: FlowVersion;
    plan: Plan;
    after?: string;
  }): Promise<StoredFlow>;
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
  /** Of a key that writes one flow: what its flow may use of the tenant. */
  grants?: Grants;
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
  /** When an action first went to a server where none went before: credentials that were given earlier are not for it. */
  movedAt?: number;
}

export interface PluginStore {
  get(tenant: string, id: string): Promise<StoredPlugin | undefined>;
  /** By id. */
  list(tenant: string): Promise<StoredPlugin[]>;
  put(tenant: string, plugin: StoredPlugin): Promise<void>;
  remove(tenant: string, id: string): Promise<boolean>;
}
