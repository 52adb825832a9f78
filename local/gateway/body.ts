// Reads a request's body up to a limit. What is beyond it is read too, so that the refusal reaches the caller, but it is
// not kept; a caller who sends on and on is cut off.

import type { IncomingMessage } from 'node:http';

const PATIENCE = 8;

/** Undefined when the body is larger than the limit. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else if (bytes > PATIENCE * maxBytes) throw new Error('The caller sends without end');
  }
  return bytes <= maxBytes ? Buffer.concat(chunks) : undefined;
}
