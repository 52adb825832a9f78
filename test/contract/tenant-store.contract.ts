// What every TenantStore must do, whatever it stores in.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Key, Tenant, TenantStore } from '../../lambdas/core/ports/catalog.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const HOUR_MS = 60 * 60 * 1_000;

const buildTenant = (id: string, extra: Partial<Tenant> = {}): Tenant => ({
  id,
  name: `Tenant ${id}`,
  limits: { concurrency: 50, queued: 10_000, sync: 100 },
  entitlements: { async: true },
  creditsPerUsd: 100,
  createdAt: NOW,
  ...extra,
});

const buildKey = (id: string, extra: Partial<Key> = {}): Key => ({
  id,
  tenant: 'acme',
  dialect: 'native',
  scopes: ['run'],
  createdAt: NOW,
  ...extra,
});

export function describeTenantStore(name: string, make: () => TenantStore | Promise<TenantStore>): void {
  describe(`${name} as a tenant store`, () => {
    let store: TenantStore;
    beforeEach(async () => {
      store = await make();
    });

    describe('the first key', () => {
      test('is added once by those who saw the same, and again when it was another', async () => {
        const first = buildKey('first');
        expect(await store.firstKey()).toBeUndefined();
        expect(await store.addFirstKey(first, 'hash-1', undefined)).toBe(true);
        expect(await store.addFirstKey(buildKey('late'), 'hash-2', undefined)).toBe(false);
        expect(await store.keyByHash('hash-2')).toBeUndefined();
        expect(await store.keyByHash('hash-1')).toMatchObject(first);
        const known = await store.firstKey();
        expect(known).toMatchObject({ id: 'first', tenant: first.tenant });
        expect(await store.addFirstKey(buildKey('second'), 'hash-3', known)).toBe(true);
        expect(await store.addFirstKey(buildKey('third'), 'hash-4', known)).toBe(false);
        expect((await store.keys(first.tenant)).map(({ id }) => id)).toEqual(['first', 'second']);
      });
    });

    describe('tenants', () => {
      test('gives back the tenant that was put, and the newest of two', async () => {
        await store.putTenant(buildTenant('acme'));
        await store.putTenant(buildTenant('acme', { name: 'Renamed', entitlements: { async: false } }));
        expect(await store.tenant('acme')).toEqual(
          buildTenant('acme', { name: 'Renamed', entitlements: { async: false } }),
        );
      });

      test('knows no tenant that was not put', async () => {
        expect(await store.tenant('nobody')).toBeUndefined();
      });

      test('lists every tenant once, page by page', async () => {
        const ids = ['a', 'b', 'c', 'd', 'e'];
        for (const id of ids) await store.putTenant(buildTenant(id));
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.tenants({ limit: 2, cursor });
          expect(page.tenants.length).toBeLessThanOrEqual(2);
          seen.push(...page.tenants.map((it) => it.id));
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        expect(seen).toEqual(ids);
      });

      test('refuses a cursor that it did not make', async () => {
        await expect(store.tenants({ limit: 2, cursor: '%%%' })).rejects.toMatchObject({ code: 'invalid-request' });
      });
    });

    describe('keys', () => {
      test('finds a key by its hash, with everything that was said of it', async () => {
        const key = buildKey('k1', {
          flow: 'news',
          ids: { 'comp-1': 'news' },
          name: 'CI',
          grants: { secrets: ['T'] },
          expiresAt: NOW + 1,
        });
        await store.addKey(key, 'hash-1');
        expect(await store.keyByHash('hash-1')).toEqual(key);
        expect(await store.keyByHash('hash-2')).toBeUndefined();
      });

      test('refuses a second key with the same hash and keeps the first', async () => {
        await store.addKey(buildKey('k1'), 'hash-1');
        await expect(store.addKey(buildKey('k2', { tenant: 'other' }), 'hash-1')).rejects.toThrow();
        expect((await store.keyByHash('hash-1'))?.id).toBe('k1');
        expect(await store.keys('other')).toEqual([]);
      });

      test("lists a tenant's keys and nobody else's", async () => {
        await store.addKey(buildKey('k1'), 'hash-1');
        await store.addKey(buildKey('k2'), 'hash-2');
        await store.addKey(buildKey('k3', { tenant: 'other' }), 'hash-3');
        expect((await store.keys('acme')).map((it) => it.id)).toEqual(['k1', 'k2']);
      });

      test('forgets a removed key under both of its names', async () => {
        await store.addKey(buildKey('k1'), 'hash-1');
        expect(await store.removeKey('acme', 'k1')).toBe(true);
        expect(await store.keyByHash('hash-1')).toBeUndefined();
        expect(await store.keys('acme')).toEqual([]);
        expect(await store.removeKey('acme', 'k1')).toBe(false);
      });

      test("does not remove another tenant's key", async () => {
        await store.addKey(buildKey('k1', { tenant: 'other' }), 'hash-1');
        expect(await store.removeKey('acme', 'k1')).toBe(false);
        expect(await store.keyByHash('hash-1')).toBeDefined();
      });

      test('notes the last use of a key at most once an hour, wherever the key is read', async () => {
        const key = buildKey('k1');
        await store.addKey(key, 'hash-1');
        await store.touchKey(key, NOW);
        await store.touchKey(key, NOW + HOUR_MS - 1);
        expect((await store.keyByHash('hash-1'))?.lastUsedAt).toBe(NOW);
        await store.touchKey(key, NOW + HOUR_MS + 1);
        expect((await store.keyByHash('hash-1'))?.lastUsedAt).toBe(NOW + HOUR_MS + 1);
        expect((await store.keys('acme'))[0]?.lastUsedAt).toBe(NOW + HOUR_MS + 1);
      });

      test('does not bring a removed key back by noting its use', async () => {
        const key = buildKey('k1');
        await store.addKey(key, 'hash-1');
        await store.removeKey('acme', 'k1');
        await store.touchKey(key, NOW);
        expect(await store.keyByHash('hash-1')).toBeUndefined();
        expect(await store.keys('acme')).toEqual([]);
      });
    });

    describe('secrets', () => {
      test('gives back what was put last, and lists names and ages only', async () => {
        await store.putSecret('acme', 'CRM_TOKEN', 'sealed-1', NOW);
        await store.putSecret('acme', 'CRM_TOKEN', 'sealed-2', NOW + 1);
        await store.putSecret('acme', 'API_KEY', 'sealed-3', NOW);
        expect(await store.secret('acme', 'CRM_TOKEN')).toBe('sealed-2');
        expect(await store.secrets('acme')).toEqual([
          { name: 'API_KEY', updatedAt: NOW },
          { name: 'CRM_TOKEN', updatedAt: NOW + 1 },
        ]);
      });

      test('keeps the secrets of tenants apart', async () => {
        await store.putSecret('acme', 'TOKEN', 'sealed', NOW);
        expect(await store.secret('other', 'TOKEN')).toBeUndefined();
        expect(await store.removeSecret('other', 'TOKEN')).toBe(false);
        expect(await store.secret('acme', 'TOKEN')).toBe('sealed');
      });

      test('forgets a removed secret', async () => {
        await store.putSecret('acme', 'TOKEN', 'sealed', NOW);
        expect(await store.removeSecret('acme', 'TOKEN')).toBe(true);
        expect(await store.removeSecret('acme', 'TOKEN')).toBe(false);
        expect(await store.secrets('acme')).toEqual([]);
      });
    });

    describe('webhook secrets', () => {
      test('begins without any', async () => {
        expect(await store.webhookSecrets('acme')).toEqual([]);
      });

      test('lets one of two first writers win', async () => {
        const written = await Promise.all(
          ['a', 'b'].map((sealed) => store.putWebhookSecrets('acme', [{ sealed }], undefined)),
        );
        expect(written.filter(Boolean)).toHaveLength(1);
        expect(await store.webhookSecrets('acme')).toEqual([{ sealed: written[0] ? 'a' : 'b' }]);
      });

      test('writes only over the secrets that were read', async () => {
        await store.putWebhookSecrets('acme', [{ sealed: 'a' }], undefined);
        const next = [{ sealed: 'b' }, { sealed: 'a', until: NOW }];
        expect(await store.putWebhookSecrets('acme', next, 'a')).toBe(true);
        expect(await store.putWebhookSecrets('acme', [{ sealed: 'c' }], 'a')).toBe(false);
        expect(await store.webhookSecrets('acme')).toEqual(next);
      });
    });
  });
}
