// The items of flows in the catalog table: their keys, what they hold, and what the core gets of them.
//
//   TEN#<tenant>          FLOW#<name>     the flow: what lists show; its support is that of the newest version
//   FLOW#<tenant>#<name>  DRAFT           source and problems of the draft
//                         V#<version>     a published version, labels padded so that they sort
//                         PLAN#<digest>   a plan, of the draft or of versions; outlives the flow as long as its runs
//
// Nothing of the catalog lies in the bucket, whose objects expire: a source fits an item, compressed where it is long.

import type { Compiled } from '../core/flow/plan.ts';
import type { FlowSummary, FlowVersion, Granted } from '../core/ports/catalog.ts';
import { toItem } from './dynamo.ts';
import { type Packed, unpack } from './packed-text.ts';

export const FLOW = 'FLOW#';
export const DRAFT = 'DRAFT';
export const VERSION = 'V#';
export const PLAN = 'PLAN#';

/** Support and title are kept with what they are of, so saving a draft need not know whether there is a version. */
interface Judged {
  title?: string;
  async: Compiled['async'];
  sync: Compiled['sync'];
}

export interface FlowItem extends Omit<FlowSummary, keyof Judged | 'draft' | 'latest'> {
  draft?: NonNullable<FlowSummary['draft']> & Judged;
  latest?: NonNullable<FlowSummary['latest']> & Judged;
}

export interface DraftItem {
  etag: string;
  source: Packed;
  compiled: Omit<Compiled, 'plan'>;
  granted?: Granted;
}

export type VersionItem = Omit<FlowVersion, 'source'> & { source: Packed };

export const tenantPk = (tenant: string) => `TEN#${tenant}`;
export const flowPk = (tenant: string, name: string) => `${FLOW}${tenant}#${name}`;
export const summaryKey = (tenant: string, name: string) => toItem({ pk: tenantPk(tenant), sk: `${FLOW}${name}` });
export const versionSk = (version: string) =>
  `${VERSION}${version.replaceAll(/\d+/g, (part) => part.padStart(6, '0'))}`;

export function toSummary({ draft, latest, tenant, name, enabled, createdAt, updatedAt }: FlowItem): FlowSummary {
  const judged = latest ?? draft;
  const none = { supported: false, blockers: [] };
  return {
    tenant,
    name,
    title: judged?.title,
    enabled,
    createdAt,
    updatedAt,
    ...(latest && { latest: readLatest(latest) }),
    ...(draft && {
      draft: { etag: draft.etag, updatedAt: draft.updatedAt, ...(draft.digest && { digest: draft.digest }) },
    }),
    async: judged?.async ?? none,
    sync: judged?.sync ?? none,
  };
}

function readLatest({ version, digest, publishedAt, granted }: NonNullable<FlowItem['latest']>) {
  return { version, digest, publishedAt, granted };
}

export async function toVersion({
  version,
  digest,
  source,
  publishedAt,
  granted,
  async,
  sync,
}: VersionItem): Promise<FlowVersion> {
  return { version, digest, source: await unpack(source), publishedAt, granted, async, sync };
}
