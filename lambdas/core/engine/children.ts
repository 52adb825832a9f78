// Runs that a run has started by its `flow` nodes: accepted like any other, once for each unit, and read back.

import { actForTenant, findRecord } from '../access/run-access.ts';
import { ApiError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { MAX_RUN_DEPTH } from '../limits.ts';
import type { Children } from '../nodes/node-kind.ts';
import type { Ports } from '../ports/ports.ts';
import { type Credentials, isSettled, type Run } from '../run.ts';
import { cancelUnwanted } from '../runs/settle.ts';
import { rethrowAsFault } from './rethrow-as-fault.ts';
import type { Slice, Unit } from './slice.ts';

export interface NewChild {
  flow: string;
  version?: string;
  inputs: JsonObject;
  /** Its id, where it is fixed already. */
  id?: string;
  /** Whether the unit waits for its end. */
  awaited: boolean;
  /** The unit that starts it, in which attempt, and how many runs are above it. */
  path: string;
  attempt: number;
  depth: number;
  credentials: Record<string, Credentials>;
  /** Id of the key that started the parent. */
  startedBy?: string;
}

/** Accepts a run on behalf of its parent, once for each attempt of a unit; answers its id. */
export type StartChild = (ports: Ports, parent: Run, child: NewChild) => Promise<string>;

export function makeChildren(slice: Slice, { path }: Unit, attempt: number): Children {
  const { ports, run, credentials, startedBy, startChild } = slice;
  return {
    reserve() {
      const { status, attempts, wait } = slice.records.get(path) ?? {};
      const isSame = status === 'waiting' && attempts === attempt;
      return (isSame ? wait?.child : undefined) ?? ports.ids.run(ports.clock.now());
    },
    start: (child) =>
      rethrowAsFault(async () => {
        const depth = (run.parent?.depth ?? 0) + 1;
        if (depth > MAX_RUN_DEPTH) {
          throw new ApiError('node-failed', `Flows may run flows at most ${MAX_RUN_DEPTH} deep`);
        }
        return startChild(ports, run, { ...child, path, attempt, depth, credentials, startedBy });
      }),
    cancel: (id) => rethrowAsFault(() => cancelUnwanted(ports, id)),
    read: (id) =>
      rethrowAsFault(async () => {
        const record = await findRecord(ports, actForTenant(run.tenant), id);
        if (!record) return undefined;
        const { status, error, usage } = record.run;
        return { id, status, isSettled: isSettled(status), outputs: record.outputs, usage, error };
      }),
  };
}
