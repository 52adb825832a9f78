// Every interface the core needs from the world: one file in ports/ for each thing, and here what all of them share.
// Adapters live in lambdas/aws and lambdas/net, wired in lambdas/wiring.ts.

import type { Caches } from './cache.ts';
import type { FlowStore, PluginStore, TenantStore } from './catalog.ts';
import type { FileStore } from './files.ts';
import type { HttpClient } from './http.ts';
import type { Knowledge, Models } from './models.ts';
import type { CodeRunner, Documents, Functions, Jinja } from './runners.ts';
import type { Machine, Queues, RunStore, Slots } from './runs.ts';

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves early, without throwing, when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ids {
  /** A time-ordered UUID (version 7). */
  run(now: number): string;
  /** Random characters [0-9A-Za-z], for keys and secrets. */
  token(chars: number): string;
  /** Uniform in [0, 1), for jitter. */
  random(): number;
}

/** Keys derived per purpose from the one platform secret. */
export interface Keyring {
  /** Keyed hash of a credential, hex. */
  hashKey(credential: string): Promise<string>;
  /** AES-256-GCM; `context` is authenticated with it, so a sealed value opens only where it belongs. */
  seal(plain: string, context: string): Promise<string>;
  open(sealed: string, context: string): Promise<string>;
  /** 32 bytes in base64, always the same for the same purpose: a secret that needs no storage. */
  derive(purpose: string): Promise<string>;
  /** Token that signals one node of one run; carries its address. */
  signalToken(runId: string, path: string): string;
  readSignalToken(token: string): { runId: string; path: string } | undefined;
  /** Loads what the synchronous methods need. */
  ready(): Promise<void>;
}

export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** Counts towards an alarm or the dashboard. */
  metric(name: string, value?: number): void;
}

export interface Ports {
  clock: Clock;
  ids: Ids;
  runs: RunStore;
  slots: Slots;
  queues: Queues;
  machine: Machine;
  flows: FlowStore;
  tenants: TenantStore;
  caches: Caches;
  plugins: PluginStore;
  files: FileStore;
  keyring: Keyring;
  http: HttpClient;
  functions: Functions;
  code: CodeRunner;
  models: Models;
  knowledge: Knowledge;
  documents: Documents;
  jinja: Jinja;
  log: Log;
}
