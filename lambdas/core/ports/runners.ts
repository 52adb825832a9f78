// What runs beside the core: functions of the account, the code of tenants, templates and documents in bounds of their own.

import type { Json, JsonObject } from '../json.ts';

/** Functions of the account that `lambda` nodes may invoke. */
export interface Functions {
  /** `response` waits for the function's answer; `event` passes the payload on and returns at once. */
  invoke(call: {
    name: string;
    qualifier?: string;
    payload: Json;
    mode: 'response' | 'event';
    signal?: AbortSignal;
  }): Promise<{ kind: 'answer'; payload: Json } | { kind: 'error'; type: string; message: string; retryable: boolean }>;
}

export const CODE_LANGUAGES = ['javascript', 'python'] as const;
export type CodeLanguage = (typeof CODE_LANGUAGES)[number];

/** One call of `main`, as the function that runs the code gets it. */
export interface CodeJob {
  source: string;
  args: JsonObject;
  limits: {
    timeoutMs: number;
    /** Of the process that runs the code, and of every process it starts, together. */
    memoryMb: number;
    resultBytes: number;
    resultDepth: number;
    /** More on stdout and stderr together ends the code. */
    printedBytes: number;
  };
}

export type CodeFailure =
  | 'not-loaded'
  | 'no-main'
  | 'threw'
  | 'wrong-result'
  | 'too-large'
  | 'timed-out'
  | 'out-of-memory'
  | 'exited';

/** How the call ended, as the function answers. Whatever the code does, it ends in one of these. */
export type CodeEnd =
  | { kind: 'returned'; result: JsonObject }
  | {
      kind: 'failed';
      reason: CodeFailure;
      /** What happened, to follow the text of the reason. */
      message: string;
      /** 1-based place in the source. */
      line?: number;
      column?: number;
      /** The end of what the code printed. */
      printed?: string;
    };

/** Runs code that tenants write, away from the platform: each call in a process of its own that is ended with it. */
export interface CodeRunner {
  run(call: {
    language: CodeLanguage;
    tenant: string;
    job: CodeJob;
    signal?: AbortSignal;
  }): Promise<CodeEnd | { kind: 'unavailable'; message: string; retryable: boolean }>;
}

export type JinjaEnd =
  | { kind: 'rendered'; text: string }
  /** The message follows "the template cannot be rendered: ". */
  | { kind: 'failed'; message: string };

/** Renders templates in Jinja that tenants write, in bounded time and memory. */
export interface Jinja {
  render(template: { text: string; vars: JsonObject }): Promise<JinjaEnd>;
}

/** Formats whose text takes a library to read. */
export type DocumentFormat = 'pdf' | 'docx' | 'html' | 'csv';

export interface DocumentJob {
  bytes: Uint8Array;
  format: DocumentFormat;
  /** Of html and csv. */
  charset: string;
}

export interface DocumentText {
  /** Of everything but a CSV. */
  text?: string;
  /** Of a PDF. */
  pages?: number;
  /** Of a CSV: one object for each line, by the names in the first. */
  rows?: JsonObject[];
}

export type DocumentRead =
  | ({ kind: 'read' } & DocumentText)
  /** The message follows "the document cannot be read: ". */
  | { kind: 'failed'; message: string; retryable: boolean };

/** Reads documents that strangers have made, in bounded time and memory. */
export interface Documents {
  read(job: DocumentJob, signal?: AbortSignal): Promise<DocumentRead>;
}
