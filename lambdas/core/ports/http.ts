// The one guarded client for every outgoing request, and how it fails.

export interface HttpRequest {
  url: string;
  method: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal;
  /** Redirects to follow, each checked like the first; 0 hands a 3xx back. */
  redirects?: number;
  /** Gets the decoded body piece by piece as it comes; the answer holds all of it none the less. */
  onChunk?(chunk: Uint8Array): void;
}

export interface HttpAnswer {
  status: number;
  /** Lower-case names; a repeated header is joined with ', '. */
  headers: Record<string, string>;
  body: Uint8Array;
  /** The body was cut at `maxBytes`. */
  truncated: boolean;
  durationMs: number;
}

/** The one guarded client for every outgoing request. Throws ApiError('unsafe-url') or HttpFault. */
export interface HttpClient {
  /** Refuses an address that may never be called; used before anything is written. Does not resolve names. */
  check(url: string): void;
  send(request: HttpRequest): Promise<HttpAnswer>;
}

export type HttpFaultReason = 'timeout' | 'aborted' | 'dns' | 'connect' | 'tls' | 'protocol' | 'too-large';

/** No usable answer came. */
export class HttpFault extends Error {
  readonly reason: HttpFaultReason;
  constructor(reason: HttpFaultReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'HttpFault';
    this.reason = reason;
  }
}
