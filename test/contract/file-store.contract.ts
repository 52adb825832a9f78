import { describe, expect, test } from 'vitest';
import type { FileStore, StoredFile } from '../../lambdas/core/ports/files.ts';

const file = (id: string, tenant = 'acme'): StoredFile => ({
  id,
  tenant,
  name: 'Ünïted "report".pdf',
  type: 'application/pdf',
  size: 4,
  createdAt: 1_000,
});
const BYTES = Uint8Array.of(37, 80, 68, 70);

export function describeFileStore(name: string, make: () => Promise<FileStore> | FileStore): void {
  describe(`FileStore on ${name}`, () => {
    test('knows a file from its announcement, and its bytes once they are there', async () => {
      const store = await make();
      expect(await store.get('acme', 'f1')).toBeUndefined();
      await store.add(file('f1'));
      expect(await store.get('acme', 'f1')).toEqual(file('f1'));
      expect([await store.isUploaded(file('f1')), await store.read(file('f1'))]).toEqual([false, undefined]);
      await store.write(file('f1'), BYTES);
      expect([await store.isUploaded(file('f1')), await store.read(file('f1'))]).toEqual([true, BYTES]);
    });

    test('keeps the files of tenants apart', async () => {
      const store = await make();
      await store.add(file('f2'));
      await store.write(file('f2'), BYTES);
      expect(await store.get('globex', 'f2')).toBeUndefined();
      expect(await store.read(file('f2', 'globex'))).toBeUndefined();
    });
  });
}
