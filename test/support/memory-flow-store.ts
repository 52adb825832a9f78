// A FlowStore in memory, trusted because it passes the same contract as the one on DynamoDB.

import { ApiError } from '../../lambdas/core/errors.ts';
import type { Compiled, Plan } from '../../lambdas/core/flow/plan.ts';
import type { FlowStore, FlowSummary, FlowVersion, StoredDraft } from '../../lambdas/core/ports/catalog.ts';

interface Flow {
  summary: FlowSummary;
  draft: StoredDraft | undefined;
  /** Oldest first. */
  versions: FlowVersion[];
}

const CURSOR = 'after ';

export function makeMemoryFlowStore(): FlowStore {
  const flows = new Map<string, Flow>();
  // Kept when the flow is removed: runs under way still need them.
  const plans = new Map<string, Plan>();
  const flowKey = (tenant: string, name: string) => `${tenant}#${name}`;
  const find = (tenant: string, name: string) => flows.get(flowKey(tenant, name));

  return {
    get: async (tenant, name) => structuredClone(find(tenant, name)?.summary),

    async list(tenant, { limit, cursor }) {
      const after = readCursor(cursor);
      const names = [...flows.values()]
        .map(({ summary }) => summary)
        .filter((it) => it.tenant === tenant && it.name > after);
      const page = structuredClone(names.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, limit));
      const last = page.at(-1);
      return { flows: page, next: last && page.length === limit ? CURSOR + last.name : null };
    },

    draft: async (tenant, name) => structuredClone(find(tenant, name)?.draft),

    async putDraft({ tenant, name, source, etag, compiled, granted, now, ifMatch }) {
      const before = find(tenant, name);
      if (ifMatch !== undefined && before?.draft?.etag !== ifMatch) return { kind: 'outdated' };
      const { plan, digest, async, sync } = compiled;
      if (plan && digest) plans.set(flowKey(tenant, name) + digest, structuredClone(plan));
      const fresh = { tenant, name, enabled: true, createdAt: now, async, sync };
      const summary: FlowSummary = {
        ...(before?.summary ?? fresh),
        updatedAt: now,
        draft: { etag, updatedAt: now, digest },
      };
      if (!summary.latest) judge(summary, { async, sync, plan });
      flows.set(flowKey(tenant, name), {
        summary,
        draft: structuredClone({ etag, source, compiled, granted }),
        versions: before?.versions ?? [],
      });
      return { kind: 'stored', flow: structuredClone(summary) };
    },

    async addVersion({ tenant, name, version, plan, after }) {
      const flow = find(tenant, name);
      const isTaken = flow?.versions.some((it) => it.version === version.version);
      if (!flow || isTaken || flow.summary.latest?.version !== after) return { kind: 'outdated' };
      flow.versions.push(structuredClone(version));
      plans.set(flowKey(tenant, name) + version.digest, structuredClone(plan));
      const { version: label, digest, publishedAt, granted } = version;
      flow.summary.latest = { version: label, digest, publishedAt, granted };
      flow.summary.updatedAt = publishedAt;
      judge(flow.summary, { ...version, plan });
      return { kind: 'stored', flow: structuredClone(flow.summary) };
    },

    versions: async (tenant, name) => structuredClone(find(tenant, name)?.versions ?? []).reverse(),
    version: async (tenant, name, version) =>
      structuredClone(find(tenant, name)?.versions.find((it) => it.version === version)),
    plan: async (tenant, name, digest) => structuredClone(plans.get(flowKey(tenant, name) + digest)),

    async setEnabled(tenant, name, enabled, now) {
      const flow = find(tenant, name);
      if (!flow) return undefined;
      flow.summary = { ...flow.summary, enabled, updatedAt: now };
      return structuredClone(flow.summary);
    },

    remove: async (tenant, name) => flows.delete(flowKey(tenant, name)),
  };
}

/** Title and support are those of the newest version or, before there is one, of the draft. */
function judge(summary: FlowSummary, { async, sync, plan }: Pick<Compiled, 'async' | 'sync' | 'plan'>): void {
  summary.async = structuredClone(async);
  summary.sync = structuredClone(sync);
  if (plan?.title === undefined) delete summary.title;
  else summary.title = plan.title;
}

function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return '';
  if (!cursor.startsWith(CURSOR)) throw new ApiError('invalid-request', 'cursor is not one of this list');
  return cursor.slice(CURSOR.length);
}
