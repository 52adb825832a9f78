// Hands a streaming answer to the caller as it comes: takes status and headers off its front, then passes the bytes on.
// It knows when the caller has gone; what becomes of the invocation then is not its business.

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Sink } from '../functions/environment.ts';

export interface RelayLimits {
  /** From the request to the end of the answer. */
  totalMs: number;
  /** Without a byte. */
  idleMs: number;
}

interface Prelude {
  statusCode?: unknown;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  cookies?: string[];
}

const SEPARATOR = Buffer.alloc(8);
const MAX_PRELUDE_BYTES = 64 * 1_024;
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade'];
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
const REMAPPED = ['www-authenticate'];

export class Relay implements Sink {
  readonly #response: ServerResponse;
  readonly #onFailure: (reason: 'malformed' | 'timeout') => void;
  readonly #limits: RelayLimits;
  readonly #gone = new AbortController();
  readonly #total: NodeJS.Timeout;
  #idle: NodeJS.Timeout;
  #front: Buffer | undefined = Buffer.alloc(0);

  /** `onFailure` is called before anything was sent, to answer in the gateway's own words. */
  constructor(response: ServerResponse, limits: RelayLimits, onFailure: (reason: 'malformed' | 'timeout') => void) {
    this.#response = response;
    this.#onFailure = onFailure;
    this.#limits = limits;
    this.#total = setTimeout(() => this.#fail('timeout'), limits.totalMs);
    this.#idle = setTimeout(() => this.#fail('timeout'), limits.idleMs);
    response.once('close', () => this.#close());
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#gone.signal.aborted) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#fail('timeout'), this.#limits.idleMs);
    const body = this.#front ? this.#readFront(bytes) : bytes;
    if (!body?.length || this.#response.write(body)) return;
    await new Promise<void>((resolve) => {
      this.#response.once('drain', resolve);
      this.#gone.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  end(): void {
    if (this.#front) this.#fail('malformed');
    else this.#response.end();
  }

  /** The function has failed: what was promised in the headers cannot be kept, so the connection is cut. */
  cut(): void {
    if (!this.#response.writableEnded) this.#response.destroy();
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  #readFront(bytes: Uint8Array): Buffer | undefined {
    this.#front = Buffer.concat([this.#front ?? SEPARATOR, bytes]);
    const end = this.#front.indexOf(SEPARATOR);
    if (end < 0) {
      if (this.#front.length > MAX_PRELUDE_BYTES) this.#fail('malformed');
      return undefined;
    }
    const body = this.#front.subarray(end + SEPARATOR.length);
    try {
      this.#begin(JSON.parse(this.#front.subarray(0, end).toString()) as Prelude);
    } catch {
      this.#fail('malformed');
      return undefined;
    }
    this.#front = undefined;
    return body;
  }

  #begin({ statusCode, headers, multiValueHeaders, cookies }: Prelude): void {
    if (typeof statusCode !== 'number' || !(statusCode >= 200 && statusCode <= 599)) throw new Error('No valid status');
    const all: OutgoingHttpHeaders = { ...headers, ...multiValueHeaders, ...(cookies && { 'set-cookie': cookies }) };
    const kept = Object.entries(all).filter(([name]) => !HOP_BY_HOP.includes(name.toLowerCase()));
    const renamed = kept.map(([name, value]) => [
      REMAPPED.includes(name.toLowerCase()) ? `x-amzn-remapped-${name}` : name,
      value,
    ]);
    this.#response.writeHead(statusCode, Object.fromEntries(renamed));
    this.#response.flushHeaders();
  }

  #fail(reason: 'malformed' | 'timeout'): void {
    if (this.#gone.signal.aborted) return;
    if (this.hasBegun) this.#response.destroy();
    else this.#onFailure(reason);
    this.#close();
  }

  #close(): void {
    clearTimeout(this.#total);
    clearTimeout(this.#idle);
    this.#gone.abort();
  }
}
