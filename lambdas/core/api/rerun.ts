// Running a settled run again: from the start, or from where it failed with everything that had succeeded.

import type { Caller } from '../access/caller.ts';
import { requireRecord } from '../access/run-access.ts';
import { ApiError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import { readEarlier } from './credentials.ts';
import { submit } from './submit.ts';

export interface Rerun {
  from?: 'start' | 'failed';
  version?: 'same' | 'latest';
  /** The user's credentials, where those of the old run may not be used again. */
  plugins?: unknown;
}

/** A new async run with the inputs of the old one, linked to it by `rerunOf`. Its webhooks are called again. */
export async function rerun(ports: Ports, caller: Caller, runId: string, asked: Rerun): Promise<Run> {
  const { from = 'start', version = 'same' } = asked;
  const old = await requireRecord(ports, caller, runId);
  const { run } = old;
  if (!isSettled(run.status)) refuse('the run has not ended yet: cancel it first, or wait', 'runId');
  if (from === 'failed' && run.status === 'succeeded') refuse('the run succeeded: use start', 'from');
  if (from === 'failed' && version === 'latest')
    refuse('results of one version do not fit another: use same', 'version');
  const { credentials } = await ports.runs.load(run.id);
  const { run: fresh } = await submit(ports, caller, {
    flow: run.flow,
    inputs: old.inputs,
    mode: 'async',
    dialect: run.dialect,
    rerunOf: { run: run.id, from },
    plugins: asked.plugins,
    earlier: readEarlier(old, credentials),
    ...(run.credentials === 'kept' && old.startedBy === caller.key.id && { keepCredentials: true }),
    priority: run.priority,
    webhooks: old.deliveries.map(({ url, method, headers }) => ({ url, method, headers })),
    ...(run.env === 'debug' ? { draft: true } : version === 'same' && { version: run.version }),
    user: run.user,
    metadata: run.metadata,
  });
  return fresh;
}

function refuse(message: string, field: string): never {
  throw new ApiError('invalid-request', `The run cannot be run again: ${message}`, {
    details: [{ field, message }],
  });
}
