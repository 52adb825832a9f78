// A FileStore in memory, trusted because it passes the same contract as the one on DynamoDB and S3.

import type { FileStore, StoredFile } from '../../lambdas/core/ports/files.ts';

export function makeMemoryFileStore(): FileStore {
  const files = new Map<string, StoredFile>();
  const contents = new Map<string, Uint8Array>();
  const key = ({ tenant, id }: Pick<StoredFile, 'tenant' | 'id'>) => `${tenant}/${id}`;
  return {
    async add(file) {
      files.set(key(file), { ...file });
    },
    get: async (tenant, id) => structuredClone(files.get(key({ tenant, id }))),
    uploadUrl: async (file) => ({ url: `memory:${key(file)}`, headers: { 'content-type': file.type } }),
    downloadUrl: async (file) => `memory:${key(file)}`,
    async write(file, bytes) {
      contents.set(key(file), Uint8Array.from(bytes));
    },
    isUploaded: async (file) => contents.has(key(file)),
    async read(file) {
      const bytes = contents.get(key(file));
      return bytes && Uint8Array.from(bytes);
    },
  };
}
