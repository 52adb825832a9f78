// The function code-node: calls the `main` of a code node's JavaScript in a process of its own (child.ts) and returns
// how the call ended. Whatever the code does, its process and its directory are gone before the answer is returned.

import { chmodSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CodeEnd, CodeJob } from '../core/ports/runners.ts';
import { readEnd } from './end.ts';
import { runChild } from './process.ts';

export async function handler(job: CodeJob): Promise<CodeEnd> {
  const directory = await mkdtemp(join(tmpdir(), 'code-'));
  try {
    await writeFile(join(directory, 'main.mjs'), job.source);
    return readEnd(await runChild(job, directory), job);
  } finally {
    await wipe(directory);
  }
}

async function wipe(directory: string): Promise<void> {
  const options = { recursive: true, force: true };
  await rm(directory, options).catch(() => {
    unlock(directory);
    return rm(directory, options);
  });
}

/** Only root can remove what is in a directory that its owner has locked. */
function unlock(directory: string): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(directory, entry.name));
  }
}
