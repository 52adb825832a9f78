// The decode body of an answer, chunk by chunk, so that its reader can stop a bomb after any of them.

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { HttpFault } from '../core/ports/http.ts';

function decoder(coding: string, firstByte: number): Duplex {
  if (coding === 'gzip' || coding === 'x-gzip') return createGunzip();
  if (coding === 'br') return createBrotliDecompress();
  // `deflate` means zlib, but some servers send it raw: only a zlib stream begins with compression method 8.
  if (coding === 'deflate') return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw();
  // Codings in layers are only ever seen in attacks.
  throw new HttpFault('protocol', `The answer has the unknown encoding ${JSON.stringify(coding.slice(0, 40))}`);
}

export async function* decode(answer: IncomingMessage): AsyncGenerator<Buffer> {
  const coding = (answer.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (coding === 'identity' || coding === '') {
    yield* answer as AsyncIterable<Buffer>;
    return;
  }
  await once(answer, 'readable');
  const first: Buffer | null = answer.read();
  // HEAD, 204 and 304 name an encoding and have no body.
  if (first === null) return;
  answer.unshift(first);
  // A failing source destroys the decoder with its error, so the error reaches our reader; the callback needs no copy.
  yield* pipeline(answer, decoder(coding, first[0] ?? 0), () => undefined) as AsyncIterable<Buffer>;
}
