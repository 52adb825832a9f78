// How much of a bundle a cold start loads.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { FunctionName } from '../../lambdas/env.ts';

export interface BundleSize {
  entryBytes: number;
  /** The entry with every chunk that it imports statically, and they again. */
  atStartBytes: number;
  allBytes: number;
}

/** Of a function that was bundled into the directory. */
export async function measureSize(directory: string, name: FunctionName): Promise<BundleSize> {
  const { outputs } = JSON.parse(await readFile(join(directory, `${name}.meta.json`), 'utf8')) as Metafile;
  const entries = Object.keys(outputs).filter((file) => file.endsWith('/index.mjs'));
  const loaded = new Set<string>();
  const queue = [...entries];
  for (const file of queue) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    const imports = outputs[file]?.imports ?? [];
    queue.push(...imports.filter((it) => it.kind === 'import-statement' && !it.external).map(({ path }) => path));
  }
  const sumBytes = (files: Iterable<string>) => [...files].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  return { entryBytes: sumBytes(entries), atStartBytes: sumBytes(loaded), allBytes: sumBytes(Object.keys(outputs)) };
}
