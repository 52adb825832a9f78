// What an execution is made of: its definition, the world it acts on, the ledger it writes, and the context object.

import type { Definition } from './definition.ts';
import type { Json } from './path.ts';
import type { TaskTokens } from './task-tokens.ts';

export interface World {
  invoke(functionName: string, payload: Json): Promise<{ payload: unknown; functionError?: string }>;
  /** Rejects when the signal aborts. */
  sleep(seconds: number, signal: AbortSignal): Promise<void>;
  /** Epoch seconds. */
  now(): number;
  random(): number;
  tokens: TaskTokens;
}

export interface Entry {
  state: string;
  input: Json;
  /** Epoch seconds. */
  at: number;
}

/** Where an execution writes what it does; throws once the execution has been stopped. */
export interface Ledger {
  /** The execution is in this state now: where it goes on after a restart. */
  enter(entry: Entry): void;
  record(type: string, details?: Record<string, unknown>): void;
}

export interface Execution {
  definition: Definition;
  /** `$$.Execution` and `$$.StateMachine`. */
  context: { Execution: { [key: string]: Json; Id: string }; StateMachine: { [key: string]: Json } };
  world: World;
  ledger: Ledger;
  signal: AbortSignal;
}

/** What comes after a state: another one, or the end. */
export interface Step {
  output: Json;
  next: string | undefined;
}

interface Occasion {
  /** 0 for the first attempt. */
  retryCount: number;
  token?: string | undefined;
}

/** The context object, `$$`. */
export function buildContext({ context }: Execution, entry: Entry, { retryCount, token }: Occasion): Json {
  const EnteredTime = new Date(entry.at * 1_000).toISOString();
  const State = { Name: entry.state, EnteredTime, RetryCount: retryCount };
  return { ...context, State, ...(token !== undefined && { Task: { Token: token } }) };
}
