// The process that reads one document: reads the job from stdin, writes the result to a descriptor of its own, and exits.
// What bounds it is in process.ts.

import { readSync, writeSync } from 'node:fs';
import type { DocumentJob, DocumentRead } from '../core/ports/runners.ts';
import { FORMATS } from './formats.ts';
import { Unreadable } from './text.ts';

const ANSWER_FD = 3;
const NEWLINE = 0x0a;

writeEnd(await read(readJob()));

async function read(job: DocumentJob): Promise<DocumentRead> {
  try {
    return { kind: 'read', ...(await FORMATS[job.format](job)) };
  } catch (error) {
    return { kind: 'failed', message: explain(error), retryable: false };
  }
}

function explain(error: unknown): string {
  if (error instanceof Unreadable) return error.message;
  if (error instanceof RangeError) return 'it is too large or nested too deeply';
  const [first = ''] = String((error as Error | undefined)?.message ?? error).split('\n');
  return `it is damaged, or not of the type that it claims to be (${first.slice(0, 200)})`;
}

function readJob(): DocumentJob {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = Buffer.alloc(256 * 1_024);
    const bytes = readSync(0, chunk);
    if (bytes === 0) break;
    chunks.push(chunk.subarray(0, bytes));
  }
  const all = Buffer.concat(chunks);
  const end = all.indexOf(NEWLINE);
  // A copy: libraries read the whole memory behind an array as the document.
  return { ...JSON.parse(all.subarray(0, end).toString()), bytes: new Uint8Array(all.subarray(end + 1)) };
}

function writeEnd(end: DocumentRead): never {
  const text = Buffer.from(JSON.stringify(end));
  for (let offset = 0; offset < text.length; ) offset += writeSync(ANSWER_FD, text, offset);
  process.exit(0);
}
