// The core with everything around it in memory: a clock that is moved by hand, queues and a machine that only remember,
// and crashes on demand. What runs is the real core; the stores under it pass the same contracts as the real adapters.

import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { makeTenant } from '../../lambdas/core/access/tenants.ts';
import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import { type Submission, submit } from '../../lambdas/core/api/submit.ts';
import { compile } from '../../lambdas/core/flow/compile.ts';
import { NODE_KINDS } from '../../lambdas/core/nodes/index.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Machine } from '../../lambdas/core/ports/runs.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { systemIds } from '../../lambdas/system.ts';
import { type FakeClock, makeFakeClock } from './fake-clock.ts';
import { makeMemoryFileStore } from './memory-file-store.ts';
import { makeMemoryFlowStore } from './memory-flow-store.ts';
import { makeMemoryPluginStore } from './memory-plugin-store.ts';
import { type MemoryQueues, makeMemoryQueues } from './memory-queues.ts';
import { type MemoryRunStore, makeMemoryRunStore } from './memory-run-store.ts';
import { makeMemorySlots } from './memory-slots.ts';
import { makeMemoryTenantStore } from './memory-tenant-store.ts';

export interface MemoryPlatform {
  ports: Ports;
  clock: FakeClock;
  runs: MemoryRunStore;
  queues: MemoryQueues;
  started: Parameters<Machine['start']>[0][];
  woken: string[];
  /** Publishes the source under the name that it has; answers the name. */
  publish(source: string): Promise<string>;
  /** The same, and accepts a run of it. */
  accept(source: string, asked?: Partial<Submission>): Promise<Run>;
}

export async function makePlatform(overrides: Partial<Ports> = {}): Promise<MemoryPlatform> {
  const clock = makeFakeClock();
  const slots = makeMemorySlots();
  const stored = makeMemoryRunStore();
  // One index holds both.
  const runs: MemoryRunStore = {
    ...stored,
    due: async (now, limit) => [...(await stored.due(now, limit)), ...slots.due(now)].slice(0, limit),
  };
  const queues = makeMemoryQueues();
  const started: MemoryPlatform['started'] = [];
  const woken: string[] = [];
  const silent = () => undefined;
  const refuse = () => Promise.reject(new Error('not in this test'));
  const tenants = makeMemoryTenantStore();
  const tenant = makeTenant('acme', clock.now());
  await tenants.putTenant(tenant);
  const flows = makeMemoryFlowStore();
  const ports: Ports = {
    clock,
    ids: systemIds,
    runs,
    slots,
    queues,
    machine: {
      async start(start) {
        started.push(start);
      },
      async wake(token) {
        woken.push(token);
        return true;
      },
    },
    flows,
    tenants,
    caches: makeCaches(),
    plugins: makeMemoryPluginStore(),
    files: makeMemoryFileStore(),
    keyring: makeKeyring(async () => 'a'.repeat(64)),
    http: { check: silent, send: refuse },
    functions: { invoke: refuse },
    code: { run: refuse },
    models: {},
    documents: { read: refuse },
    jinja: { render: refuse },
    knowledge: { sources: [], retrieve: refuse },
    log: { info: silent, warn: silent, error: silent, metric: silent },
    ...overrides,
  };
  const key = { id: 'k', tenant: tenant.id, dialect: 'native', scopes: ['run'], createdAt: 0 } as const;
  const caller = { tenant, key: { ...key, scopes: ['run' as const] }, origin: 'https://errand.example.com' };
  let published = 0;

  async function publish(source: string): Promise<string> {
    const compiled = await compile(source, NODE_KINDS);
    const { plan, digest = '', async, sync } = compiled;
    if (!plan) throw new Error(JSON.stringify(compiled.problems));
    const at = { tenant: tenant.id, name: plan.name };
    await flows.putDraft({ ...at, source, etag: digest, compiled, granted: 'all', now: clock.now() });
    const after = (await flows.get(tenant.id, plan.name))?.latest?.version;
    published += 1;
    const version = { version: `${published}.0.0`, digest, source, publishedAt: clock.now(), async, sync };
    await flows.addVersion({ ...at, version, plan, after });
    return plan.name;
  }

  return {
    ports,
    clock,
    runs,
    queues,
    started,
    woken,
    publish,
    async accept(source, asked = {}) {
      const flow = await publish(source);
      const { run } = await submit(ports, caller, { flow, inputs: {}, mode: 'async', dialect: 'native', ...asked });
      return run;
    },
  };
}
