// The one table of error codes, and ApiError, which carries a code and what the reader should know and do.
// Rejections are thrown as ApiError; failures of nodes and runs are data (Failure); faults are plain errors left alone.

import { MAX_ERROR_CHARS, MAX_ERROR_DETAILS, MAX_ERROR_FIELD_CHARS } from './limits.ts';

interface ErrorRow {
  /** HTTP status of the native API. */
  status: number;
  /** Whether the same request, or the same node, may succeed later. */
  retryable: boolean;
  title: string;
}

export const ERRORS = {
  'invalid-request': { status: 400, retryable: false, title: 'The request is malformed' },
  'invalid-inputs': { status: 400, retryable: false, title: "The inputs do not fit the flow's input definition" },
  'invalid-flow': { status: 422, retryable: false, title: 'The flow has problems' },
  'async-unsupported': { status: 400, retryable: false, title: 'This flow cannot run asynchronously' },
  'sync-unsupported': { status: 400, retryable: false, title: 'This flow cannot run synchronously' },
  'async-not-entitled': { status: 403, retryable: false, title: 'Asynchronous runs are switched off for this tenant' },
  'too-many-webhooks': { status: 400, retryable: false, title: 'A run has at most five webhooks' },
  'unsafe-url': { status: 400, retryable: false, title: 'The address may not be called' },
  'payload-too-large': { status: 413, retryable: false, title: 'The payload is too large' },
  unauthenticated: { status: 401, retryable: false, title: 'The key is missing, unknown or expired' },
  forbidden: { status: 403, retryable: false, title: 'The key may not do this' },
  'flow-not-found': { status: 404, retryable: false, title: 'No such flow' },
  'flow-not-published': { status: 409, retryable: false, title: 'The flow has no published version' },
  'flow-disabled': { status: 409, retryable: false, title: 'The flow is disabled' },
  'version-not-found': { status: 404, retryable: false, title: 'No such version' },
  'run-not-found': { status: 404, retryable: false, title: 'No such run' },
  'not-found': { status: 404, retryable: false, title: 'No such resource' },
  'idempotency-conflict': { status: 409, retryable: false, title: 'The idempotency key was used with another request' },
  'run-already-settled': { status: 409, retryable: false, title: 'The run has already ended' },
  'run-not-settled': { status: 409, retryable: true, title: 'The run has not ended yet' },
  'signal-not-awaited': { status: 409, retryable: false, title: 'No node of the run takes this signal' },
  'signal-already-given': { status: 409, retryable: false, title: 'The node was already signaled' },
  'tenant-over-limit': { status: 429, retryable: true, title: 'The tenant has no room for another run' },
  'rate-limited': { status: 429, retryable: true, title: 'Too many requests' },
  'node-failed': { status: 500, retryable: false, title: 'A node failed' },
  'node-timed-out': { status: 500, retryable: true, title: 'A node took longer than its timeout' },
  'expression-failed': { status: 500, retryable: false, title: 'An expression could not be evaluated' },
  'model-not-configured': { status: 500, retryable: false, title: 'The model is not configured' },
  'model-quota': { status: 500, retryable: true, title: "The model's quota is used up" },
  'model-unavailable': { status: 500, retryable: true, title: 'The model did not answer' },
  'run-expired': { status: 500, retryable: false, title: 'The run did not end before its deadline' },
  'run-crashed': { status: 500, retryable: false, title: 'The run crashed its worker too often' },
  'run-canceled': { status: 500, retryable: false, title: 'The run was canceled' },
  'budget-exceeded': { status: 500, retryable: false, title: 'The run used up its token or cost budget' },
  unavailable: { status: 503, retryable: true, title: 'The platform is briefly unavailable' },
  internal: { status: 500, retryable: true, title: 'The platform failed' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** One thing that is wrong with a request: which field, and what to do about it. */
export interface ErrorDetail {
  /** Path of the field as the caller wrote it, e.g. `webhooks[2].url` or `inputs.topic`. */
  field?: string;
  message: string;
  line?: number;
  column?: number;
}

const bounded = (details: ErrorDetail[]): ErrorDetail[] =>
  details.slice(0, MAX_ERROR_DETAILS).map(({ field, message, ...place }) => ({
    ...(field !== undefined && { field: field.slice(0, MAX_ERROR_FIELD_CHARS) }),
    message: message.slice(0, MAX_ERROR_CHARS),
    ...place,
  }));

interface Extra {
  details?: ErrorDetail[];
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** A rejection: the caller is wrong, or the platform cannot take the request now. Never retried by us. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetail[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string = ERRORS[code].title, extra: Extra = {}) {
    super(message.slice(0, MAX_ERROR_CHARS), { cause: extra.cause });
    this.name = 'ApiError';
    this.code = code;
    this.details = extra.details && bounded(extra.details);
    this.retryAfterSeconds = extra.retryAfterSeconds;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** What went wrong in a node or a run, as data. `code` is one of ours, or the author's own (a `fail` node, a code node). */
export interface Failure {
  code: string;
  message: string;
  /** Path of the node, e.g. `fetch` or `pages[2].text`; null where the run itself failed. */
  node: string | null;
  details?: ErrorDetail[];
}

/** Our own world is broken under a node: no fault of the node, which another slice runs again. */
export class PlatformFault extends Error {
  constructor(cause: unknown) {
    super('The platform failed under a node', { cause });
    this.name = 'Fault';
  }
}

/** A service of the platform throttles or does not answer: the same call may succeed a few seconds later. */
export class ServiceUnavailable extends Error {
  constructor(cause: unknown) {
    super('A service of the platform is unavailable', { cause });
    this.name = 'ServiceUnavailable';
  }
}
