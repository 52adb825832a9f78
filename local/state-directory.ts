// The directory that keeps a platform's state between two starts, and the lock that one start holds on it.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface StateDirectory {
  path: string;
  isKept: boolean;
  /** A file of the state, or null where nothing is kept. */
  kept(name: string): string | null;
  release(): void;
}

const LOCK = 'lock';

export function isStateDirectory(path: string): boolean {
  return existsSync(join(path, LOCK));
}

/** Null keeps nothing: only the log has a place, until the runtime ends. */
export function openStateDirectory(path: string | null): StateDirectory {
  if (path === null) return openTemporary();
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const unlock = lock(path);
  return { path, isKept: true, kept: (name) => join(path, name), release: unlock };
}

function openTemporary(): StateDirectory {
  const path = mkdtempSync(join(tmpdir(), 'errand-'));
  return {
    path,
    isKept: false,
    kept: () => null,
    release: () => rmSync(path, { recursive: true, force: true }),
  };
}

// A database's lock is let go by the operating system however the process ends; a file with a process id is not.
function lock(path: string): () => void {
  const database = new DatabaseSync(join(path, LOCK));
  try {
    database.exec('PRAGMA busy_timeout = 500; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new Error(`Another Errand runs on ${path}. Stop it, or start without state: npm start -- --ephemeral`, {
      cause,
    });
  }
  return () => database.close();
}
