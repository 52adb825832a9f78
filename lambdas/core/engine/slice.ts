// The state of one slice: a stretch of work on one run by one process, under one lease.

import type { Failure } from '../errors.ts';
import type { Plan, PlanNode } from '../flow/plan.ts';
import type { Json, JsonObject } from '../json.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Ports } from '../ports/ports.ts';
import type { Credentials, NodeRecord, NodeWait, Run, Signal } from '../run.ts';
import type { RunEvent, Sequence } from '../runs/events.ts';
import type { StartChild } from './children.ts';

/**
 * Why a slice stopped before its graph did. stalled: its process did not run for longer than its lease, so it cannot
 * know what has happened and what only seems so, such as a node that took too long.
 */
export type StopReason = 'canceled' | 'expired' | 'lost' | 'stalled';

export interface Slice {
  ports: Ports;
  kinds: Record<string, NodeKind>;
  /** As last read under this lease. */
  run: Run;
  plan: Plan;
  inputs: JsonObject;
  secrets: Record<string, string>;
  /** Id of the key that started the run. */
  startedBy?: string;
  /** The user's, by plugin. */
  credentials: Record<string, Credentials>;
  /** Every unit that ended or waits, by path. */
  records: Map<string, NodeRecord>;
  signals: Map<string, Signal>;
  /** Epoch milliseconds: no unit starts whose timeout does not fit before it. */
  budgetUntil: number;
  /** Aborts with a StopReason. */
  stop: AbortController;
  /** False when the lease is lost; a write may only follow a `true`. */
  ensureLease(): Promise<boolean>;
  /** Resolves when a signal has come in. */
  changed(): Promise<void>;
  emit(event: RunEvent): void;
  startChild: StartChild;
  sequence: Sequence;
  /** Ids of nodes whose text a streaming output is made of. */
  streaming: ReadonlySet<string>;
  /** Bounds how many units run at once. */
  gate: Gate;
  units: number;
  runGraph(scope: Scope): Promise<GraphEnd>;
}

/** A graph of nodes and what its expressions see around them: the whole run, or one round of a group. */
export interface Scope {
  /** '' for the run, `pages[00002].` inside a group. */
  prefix: string;
  nodes: PlanNode[];
  /** Of the scopes around: their nodes, `$item`, `$vars`. */
  outer: Record<string, Json>;
  signal: AbortSignal;
}

/** handled: failed, and `onError` gave another output. */
export interface NodeState {
  status: 'succeeded' | 'handled' | 'failed' | 'skipped';
  output: Json;
  port?: string;
  error?: Failure;
}

export interface Wait extends NodeWait {
  path: string;
}

export interface Unit {
  node: PlanNode;
  path: string;
  bindings: Record<string, Json>;
  /** Aborts when the slice stops or a sibling's failure ends the graph. */
  signal: AbortSignal;
  /** Whether a node of the scope takes this branch. */
  takes(port: string): boolean;
}

export interface Attempt {
  /** 1-based. */
  number: number;
  startedAt: number;
  /** Something was said to the end user. */
  said?: true;
}

/** yielded: something did not fit the rest of the slice, and another slice should go on at once. */
export interface Suspended {
  kind: 'suspended';
  waits: Wait[];
  yielded: boolean;
}

export type UnitEnd = { kind: 'ended'; state: NodeState } | Suspended | { kind: 'stopped' };

export type GraphEnd =
  | { kind: 'done'; states: Map<string, NodeState> }
  | { kind: 'failed'; failure: Failure }
  | Suspended
  | { kind: 'stopped' };

export const STOPPED = { kind: 'stopped' } as const;
/** The unit did not fit the rest of the slice: another slice will start it. */
export const YIELDED = { kind: 'suspended', waits: [], yielded: true } as const satisfies UnitEnd;

export interface Gate {
  enter(): Promise<void>;
  leave(): void;
}

export function makeGate(width: number): Gate {
  let free = width;
  const queue: (() => void)[] = [];
  return {
    enter() {
      if (free > 0) {
        free -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => queue.push(resolve));
    },
    leave() {
      const next = queue.shift();
      if (next) next();
      else free += 1;
    },
  };
}
