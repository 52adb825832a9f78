// What the runtime and a function's thread say to each other.

import type { MessagePort } from 'node:worker_threads';

/** Lambda's limit for a synchronous request and its answer. */
export const MAX_PAYLOAD_BYTES = 6_291_556;

export interface WorkerSetup {
  file: string;
  exportName: string;
  functionName: string;
  functionArn: string;
  memoryMb: number;
  logFd: number;
  /** Invocations are taken from here synchronously, because a frozen thread runs no event loop. */
  invocations: MessagePort;
  /** Grows by one with every invocation; the frozen thread sleeps on it. */
  wake: SharedArrayBuffer;
}

export interface InvocationMessage {
  requestId: string;
  /** The event, as JSON text. */
  payload: string;
  deadlineMs: number;
}

export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** To the thread, while an invocation runs: its chunk was written, or nobody listens any more. */
export type ToWorker = { type: 'written' | 'gone'; requestId: string };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'initFailed'; error: FunctionError }
  | { type: 'chunk'; requestId: string; bytes: Uint8Array }
  | { type: 'end'; requestId: string }
  | { type: 'answer'; requestId: string; payload: string }
  | { type: 'failure'; requestId: string; error: FunctionError };
