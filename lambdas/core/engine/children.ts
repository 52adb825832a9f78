// Runs that a run has started by its `flow` nodes: accepted like any other, once for each unit, and read back.

import { getTenant } from '../access/tenants.ts';
import { submit } from '../api/submit.ts';
import { PlatformError } from '../errors.ts';
import { MAX_RUN_DEPTH } from '../limits.ts';
import type { Children } from '../nodes/node-kind.ts';
import { isSettled } from '../run.ts';
import { undisturbed } from './rethrow-as-fault.ts';
import type { Slice, Unit } from './slice.ts';

export function childrenOf({ ports, run, credentials }: Slice, { path }: Unit): Children {
  return {
    start: ({ flow, version, inputs }) =>
      undisturbed(async () => {
        const depth = (run.parent?.depth ?? 0) + 1;
        if (depth > MAX_RUN_DEPTH) {
          throw new PlatformError('node-failed', `Flows may run flows at most ${MAX_RUN_DEPTH} deep`);
        }
        const tenant = await getTenant(ports, run.tenant);
        // Nobody's key: the parent's caller was allowed to run the parent, and the flows that it names with it.
        const key = { id: 'flow-node', tenant: run.tenant, dialect: 'native', scopes: ['run'], createdAt: 0 } as const;
        const { run: child } = await submit(
          ports,
          { tenant, key: { ...key, scopes: ['run'] }, origin: run.origin },
          {
            flow,
            inputs,
            mode: 'async',
            dialect: 'native',
            idempotencyKey: `flow-node/${run.id}/${path}`.slice(-255),
            // Not a duration, or a repeated request would be another one.
            notAfter: run.deadlineAt,
            parent: { run: run.id, path, depth },
            plugins: credentials,
            ignoresOtherPlugins: true,
            ...(version !== undefined && { version }),
            ...(run.user !== undefined && { user: run.user }),
          },
        );
        return child.id;
      }),
    read: (id) =>
      undisturbed(async () => {
        const record = await ports.runs.read(id);
        if (!record || record.run.tenant !== run.tenant) return undefined;
        const { status, error, usage } = record.run;
        return { id, status, isSettled: isSettled(status), outputs: record.outputs, usage, ...(error && { error }) };
      }),
  };
}
