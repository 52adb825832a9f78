// Where the functions' log lines go: a file in the state directory, or the terminal on request.

import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface Log {
  /** Written to synchronously by every thread, so that a crash loses no line. */
  fd: number;
  file: string | null;
  write(line: object): void;
  close(): void;
}

const MAX_FILE_BYTES = 20 * 1_024 * 1_024;
const STDERR = 2;

export function openLog(directory: string): Log {
  if (process.env['ERRAND_LOG'] === '1') return logTo(STDERR, null);
  const file = join(directory, 'errand.log');
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_FILE_BYTES) renameSync(file, `${file}.old`);
  return logTo(openSync(file, 'a'), file);
}

function logTo(fd: number, file: string | null): Log {
  let isOpen = true;
  return {
    fd,
    file,
    write(line) {
      if (isOpen) writeSync(fd, `${JSON.stringify({ timestamp: new Date().toISOString(), ...line })}\n`);
    },
    close() {
      isOpen = false;
      if (fd !== STDERR) closeSync(fd);
    },
  };
}
