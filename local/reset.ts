// `npm run reset`: deletes the state of this machine's platform, unless it is running.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isStateDirectory, openStateDirectory } from './state-directory.ts';
import { ROOT } from './synthesis.ts';

const path = process.env['ERRAND_STATE_DIR'] ?? join(ROOT, '.errand');

try {
  if (existsSync(path)) deleteState(path);
  process.stdout.write(`There is no state in ${path} any more.\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}

function deleteState(directory: string): void {
  // A wrong ERRAND_STATE_DIR must not cost somebody a directory of their own.
  if (!isStateDirectory(directory))
    throw new Error(`${directory} does not contain the state of Errand; nothing was deleted`);
  openStateDirectory(directory).release();
  rmSync(directory, { recursive: true });
}
