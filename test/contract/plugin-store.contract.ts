import { describe, expect, test } from 'vitest';
import type { PluginStore, StoredPlugin } from '../../lambdas/core/ports/catalog.ts';

const plugin = (id: string, extra: Partial<StoredPlugin> = {}): StoredPlugin => ({
  id,
  definition: { auth: 'none', actions: { ping: { url: 'https://example.com' } } },
  updatedAt: 1,
  ...extra,
});

export function describePluginStore(name: string, make: () => Promise<PluginStore> | PluginStore): void {
  describe(`PluginStore on ${name}`, () => {
    test('keeps plugins of each tenant apart, and lists them by id', async () => {
      const store = await make();
      await store.put('acme', plugin('b'));
      await store.put('acme', plugin('a', { sealed: 'v1.x', movedAt: 7 }));
      await store.put('globex', plugin('c'));
      expect(await store.get('acme', 'a')).toEqual(plugin('a', { sealed: 'v1.x', movedAt: 7 }));
      expect(await store.get('acme', 'c')).toBeUndefined();
      expect((await store.list('acme')).map(({ id }) => id)).toEqual(['a', 'b']);
      expect(await store.list('nobody')).toEqual([]);
    });

    test('replaces a plugin as a whole, however large it is', async () => {
      const store = await make();
      await store.put('acme', plugin('a', { sealed: 'v1.x' }));
      const ping = { url: 'https://example.com', description: 'ü'.repeat(4_000) };
      const large = plugin('a', { definition: { auth: 'user', fields: ['token'], actions: { ping } } });
      await store.put('acme', large);
      expect(await store.get('acme', 'a')).toEqual(large);
    });

    test('removes a plugin once', async () => {
      const store = await make();
      await store.put('acme', plugin('a'));
      expect(await store.remove('acme', 'a')).toBe(true);
      expect(await store.remove('acme', 'a')).toBe(false);
      expect(await store.get('acme', 'a')).toBeUndefined();
    });
  });
}
