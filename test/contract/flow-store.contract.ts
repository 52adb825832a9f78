// What every FlowStore must do, whatever it stores in.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Compiled, Plan } from '../../lambdas/core/flow/plan.ts';
import type { FlowStore, FlowVersion } from '../../lambdas/core/ports/catalog.ts';
import { buildPlan } from '../support/build-plan.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const YES = { supported: true, blockers: [] };
const NO = { supported: false, blockers: [{ line: 7, node: 'ask', message: 'waits for a callback' }] };
const HELLO = { tenant: 'acme', name: 'hello' };

const buildCompiled = (plan: Plan, digest: string): Compiled => ({ plan, digest, problems: [], async: YES, sync: YES });
const buildDraft = (extra: Partial<Parameters<FlowStore['putDraft']>[0]> = {}) => ({
  ...HELLO,
  source: 'flow: 1',
  etag: 'e1',
  compiled: buildCompiled(buildPlan({ title: 'Hello' }), 'd1'),
  now: NOW,
  ...extra,
});
const buildVersion = (version: string, extra: Partial<FlowVersion> = {}): FlowVersion => ({
  version,
  digest: `digest-${version}`,
  source: `source of ${version}`,
  publishedAt: NOW,
  async: YES,
  sync: NO,
  ...extra,
});

export function describeFlowStore(name: string, make: () => FlowStore | Promise<FlowStore>): void {
  describe(`${name} as a flow store`, () => {
    let store: FlowStore;
    beforeEach(async () => {
      store = await make();
    });
    const publish = (version: FlowVersion, after?: string, plan = buildPlan({ title: `Plan ${version.version}` })) =>
      store.addVersion({ ...HELLO, version, plan, after });

    test('knows nothing of a flow that was never drafted', async () => {
      expect(await store.get('acme', 'hello')).toBeUndefined();
      expect(await store.draft('acme', 'hello')).toBeUndefined();
      expect(await store.versions('acme', 'hello')).toEqual([]);
      expect(await store.version('acme', 'hello', '1.0.0')).toBeUndefined();
      expect(await store.plan('acme', 'hello', 'd1')).toBeUndefined();
      expect(await store.setEnabled('acme', 'hello', false, NOW)).toBeUndefined();
      expect(await store.remove('acme', 'hello')).toBe(false);
    });

    describe('drafts', () => {
      test('gives back the draft with its plan, and the flow with what the draft says of it', async () => {
        const summary = {
          ...HELLO,
          title: 'Hello',
          enabled: true,
          createdAt: NOW,
          updatedAt: NOW,
          draft: { etag: 'e1', digest: 'd1', updatedAt: NOW },
          async: YES,
          sync: YES,
        };
        expect(await store.putDraft(buildDraft())).toEqual({ kind: 'stored', flow: summary });
        expect(await store.get('acme', 'hello')).toEqual(summary);
        const { source, etag, compiled } = buildDraft();
        expect(await store.draft('acme', 'hello')).toEqual({ source, etag, compiled });
        expect(await store.plan('acme', 'hello', 'd1')).toEqual(compiled.plan);
      });

      test('keeps what was granted to whoever saved it, until somebody else saves another', async () => {
        const granted = { secrets: ['TOKEN'], models: ['*'] };
        await store.putDraft(buildDraft({ granted }));
        expect((await store.draft('acme', 'hello'))?.granted).toEqual(granted);
        await store.putDraft(buildDraft({ granted: 'all' }));
        expect((await store.draft('acme', 'hello'))?.granted).toBe('all');
        await store.putDraft(buildDraft());
        expect((await store.draft('acme', 'hello'))?.granted).toBeUndefined();
      });

      test('keeps a draft with problems and without a plan', async () => {
        const problems = [{ line: 3, column: 5, message: 'unknown node type', severity: 'error' as const }];
        const compiled: Compiled = { problems, async: NO, sync: NO };
        await store.putDraft(buildDraft({ compiled }));
        expect((await store.draft('acme', 'hello'))?.compiled).toEqual(compiled);
        expect((await store.get('acme', 'hello'))?.draft).toEqual({ etag: 'e1', updatedAt: NOW });
      });

      test('keeps when the flow was created, and the newest of two drafts', async () => {
        await store.putDraft(buildDraft());
        await store.putDraft(buildDraft({ source: 'flow: 1 # 2', etag: 'e2', now: NOW + 5 }));
        expect(await store.get('acme', 'hello')).toMatchObject({ createdAt: NOW, updatedAt: NOW + 5 });
        expect((await store.draft('acme', 'hello'))?.source).toBe('flow: 1 # 2');
      });

      test('refuses an editor whose draft is outdated, and writes nothing', async () => {
        expect(await store.putDraft(buildDraft({ ifMatch: 'e0' }))).toEqual({ kind: 'outdated' });
        expect(await store.get('acme', 'hello')).toBeUndefined();
        await store.putDraft(buildDraft());
        expect(await store.putDraft(buildDraft({ etag: 'e2', ifMatch: 'e1' }))).toMatchObject({ kind: 'stored' });
        expect(await store.putDraft(buildDraft({ etag: 'e3', ifMatch: 'e1', now: NOW + 9 }))).toEqual({
          kind: 'outdated',
        });
        expect((await store.draft('acme', 'hello'))?.etag).toBe('e2');
        expect((await store.get('acme', 'hello'))?.updatedAt).toBe(NOW);
      });

      test('holds the largest source there may be', async () => {
        const source = Array.from({ length: 200 }, (_, n) => `${n}: ${'ünïcödé '.repeat(80)}`).join('\n');
        const plan = buildPlan({ description: source.slice(0, 200_000) });
        await store.putDraft(buildDraft({ source, compiled: buildCompiled(plan, 'large') }));
        expect((await store.draft('acme', 'hello'))?.source).toBe(source);
        expect(await store.plan('acme', 'hello', 'large')).toEqual(plan);
      });
    });

    describe('versions', () => {
      beforeEach(async () => {
        await store.putDraft(buildDraft());
      });

      test('adds a version, which the flow is judged by from then on', async () => {
        const flow = {
          title: 'Plan 1.0.0',
          latest: { version: '1.0.0', digest: 'digest-1.0.0', publishedAt: NOW + 7 },
          async: YES,
          sync: NO,
        };
        const published = await publish(buildVersion('1.0.0', { publishedAt: NOW + 7 }));
        expect(published).toMatchObject({ kind: 'stored', flow });
        await store.putDraft(buildDraft({ etag: 'e9', compiled: { problems: [], async: NO, sync: YES } }));
        expect(await store.get('acme', 'hello')).toMatchObject({ title: 'Plan 1.0.0', async: YES, sync: NO });
        expect((await store.get('acme', 'hello'))?.latest?.version).toBe('1.0.0');
      });

      test('gives back what was published, with its plan', async () => {
        const version = buildVersion('1.0.0');
        const plan = buildPlan({ env: { a: [1, { b: null }] } });
        await publish(version, undefined, plan);
        expect(await store.version('acme', 'hello', '1.0.0')).toEqual(version);
        expect(await store.plan('acme', 'hello', version.digest)).toEqual(plan);
      });

      test('keeps what was granted to whoever published it, with the version and with the flow', async () => {
        const granted = { flows: ['other'], knowledge: [] };
        await publish(buildVersion('1.0.0', { granted }));
        expect((await store.version('acme', 'hello', '1.0.0'))?.granted).toEqual(granted);
        expect((await store.get('acme', 'hello'))?.latest?.granted).toEqual(granted);
        expect((await store.list('acme', { limit: 1 })).flows[0]?.latest?.granted).toEqual(granted);
        await publish(buildVersion('1.0.1', { granted: 'all' }), '1.0.0');
        expect((await store.get('acme', 'hello'))?.latest?.granted).toBe('all');
        expect((await store.versions('acme', 'hello')).map((it) => it.granted)).toEqual(['all', granted]);
      });

      test('lists versions newest first, by number and not by letter', async () => {
        const labels = ['1.0.0', '1.9.0', '1.10.0', '2.0.0', '10.0.0'];
        for (const [index, label] of labels.entries()) await publish(buildVersion(label), labels[index - 1]);
        const listed = (await store.versions('acme', 'hello')).map(({ version }) => version);
        expect(listed).toEqual(labels.toReversed());
      });

      test('refuses a version that does not follow the newest', async () => {
        await publish(buildVersion('1.0.0'));
        expect(await publish(buildVersion('1.0.1'))).toEqual({ kind: 'outdated' });
        expect(await publish(buildVersion('1.0.1'), '0.9.0')).toEqual({ kind: 'outdated' });
        expect(await store.version('acme', 'hello', '1.0.1')).toBeUndefined();
        expect(await publish(buildVersion('1.0.1'), '1.0.0')).toMatchObject({ kind: 'stored' });
      });

      test('lets one of many win who publish at once', async () => {
        const all = Array.from({ length: 8 }, (_, n) => publish(buildVersion('1.0.0', { digest: `d${n}` })));
        const won = (await Promise.all(all)).flatMap((it) => (it.kind === 'stored' ? it.flow : []));
        expect(won).toHaveLength(1);
        expect((await store.versions('acme', 'hello')).map(({ version }) => version)).toEqual(['1.0.0']);
        expect((await store.get('acme', 'hello'))?.latest?.digest).toBe(won[0]?.latest?.digest);
      });

      test('refuses a version of a flow that is not there', async () => {
        const absent = { tenant: 'acme', name: 'absent', version: buildVersion('1.0.0'), plan: buildPlan() };
        expect(await store.addVersion(absent)).toEqual({ kind: 'outdated' });
        expect(await store.get('acme', 'absent')).toBeUndefined();
      });
    });

    describe('the catalog', () => {
      test('disables and enables a flow', async () => {
        await store.putDraft(buildDraft());
        expect(await store.setEnabled('acme', 'hello', false, NOW + 1)).toMatchObject({
          enabled: false,
          updatedAt: NOW + 1,
        });
        await store.putDraft(buildDraft({ etag: 'e2' }));
        expect((await store.get('acme', 'hello'))?.enabled).toBe(false);
        expect((await store.setEnabled('acme', 'hello', true, NOW + 2))?.enabled).toBe(true);
      });

      test('keeps tenants apart', async () => {
        await store.putDraft(buildDraft());
        await store.putDraft(buildDraft({ tenant: 'acme#x', etag: 'other' }));
        expect(await store.get('other', 'hello')).toBeUndefined();
        expect((await store.draft('acme#x', 'hello'))?.etag).toBe('other');
        expect((await store.draft('acme', 'hello'))?.etag).toBe('e1');
        expect((await store.list('acme', { limit: 10 })).flows.map(({ tenant }) => tenant)).toEqual(['acme']);
      });

      test('lists every flow once, page by page, by name', async () => {
        const names = ['a', 'b-1', 'c', 'd_2', 'e'];
        for (const one of names.toReversed()) await store.putDraft(buildDraft({ name: one }));
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list('acme', { limit: 2, cursor });
          expect(page.flows.length).toBeLessThanOrEqual(2);
          seen.push(...page.flows.map((flow) => flow.name));
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        expect(seen).toEqual(names);
      });

      test('refuses a cursor that it did not make', async () => {
        await expect(store.list('acme', { limit: 2, cursor: '%%%' })).rejects.toMatchObject({
          code: 'invalid-request',
        });
      });

      test('removes a flow with its draft and versions, and keeps its plans for the runs under way', async () => {
        await store.putDraft(buildDraft());
        await publish(buildVersion('1.0.0'));
        expect(await store.remove('acme', 'hello')).toBe(true);
        expect(await store.get('acme', 'hello')).toBeUndefined();
        expect(await store.draft('acme', 'hello')).toBeUndefined();
        expect(await store.versions('acme', 'hello')).toEqual([]);
        expect(await store.plan('acme', 'hello', 'digest-1.0.0')).toBeDefined();
        expect(await store.remove('acme', 'hello')).toBe(false);
      });

      test('begins anew where a flow was removed', async () => {
        await store.putDraft(buildDraft());
        await publish(buildVersion('1.0.0'));
        await store.remove('acme', 'hello');
        expect(await store.putDraft(buildDraft({ now: NOW + 3 }))).toMatchObject({ flow: { createdAt: NOW + 3 } });
        expect(await publish(buildVersion('1.0.0'))).toMatchObject({ kind: 'stored' });
      });
    });
  });
}
