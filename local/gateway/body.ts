// Reads a request's body up to a limit. What is beyond it is read too, so that the caller gets the refusal, but it is
// not kept; a caller who sends without end is cut off.

import type { IncomingMessage } from 'node:http';

const EXCESS_FACTOR = 8;

/** Undefined when the body is larger than the limit. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else if (bytes > EXCESS_FACTOR * maxBytes) throw new Error('The caller sends without end');
  }
  return bytes <= maxBytes ? Buffer.concat(chunks) : undefined;
}
