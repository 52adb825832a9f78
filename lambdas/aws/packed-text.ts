// Long texts in items: compressed, since every read and write pays for the whole item.

import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/** A short text as it is, a long one compressed. */
export type Packed = string | Uint8Array;

const PLAIN_CHARS = 1_024;
const compress = promisify(gzip);
const decompress = promisify(gunzip);

export async function pack(text: string): Promise<Packed> {
  return text.length <= PLAIN_CHARS ? text : compress(text);
}

export async function unpack(packed: Packed): Promise<string> {
  return typeof packed === 'string' ? packed : (await decompress(packed)).toString();
}
