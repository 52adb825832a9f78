// Running a settled run again: from the start, from where it failed with everything that had succeeded, or from a node with
// everything that does not depend on it.

import type { Caller } from '../access/caller.ts';
import { requireRecord } from '../access/run-access.ts';
import { resolveVersion } from '../catalog/flows.ts';
import { ApiError } from '../errors.ts';
import type { PlanNode } from '../flow/plan.ts';
import { suggest } from '../parse/suggest.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import { readEarlier } from './credentials.ts';
import { submit } from './submit.ts';

export interface Rerun {
  /** `start`, `failed`, or the id of a node. */
  from?: string;
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
  if (from !== 'start') await checkReuse(ports, run, { from, version });
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
    ...pickVersion(run, version),
    user: run.user,
    metadata: run.metadata,
  });
  return fresh;
}

type Version = NonNullable<Rerun['version']>;

function pickVersion(run: Run, version: Version): { draft?: true; version?: string } {
  if (run.env === 'debug') return { draft: true };
  return version === 'same' ? { version: run.version } : {};
}

/** Results are worth something only to the definition that made them. */
async function checkReuse(
  ports: Ports,
  run: Run,
  { from, version }: Required<Pick<Rerun, 'from' | 'version'>>,
): Promise<void> {
  if (version === 'latest') refuse('results of one version do not fit another: use same', 'version');
  const { digest, plan } = await resolveVersion(ports, run.tenant, run.flow, pickVersion(run, version));
  if (digest !== run.digest) {
    const what = run.env === 'debug' ? 'the draft' : `version ${run.version}`;
    refuse(`${what} has changed since then, so its results cannot be reused: use start`, 'from');
  }
  if (from === 'failed' || plan.nodes.some(({ id }) => id === from)) return;
  const around = plan.nodes.find(({ nodes = [] }) => hasNode(nodes, from));
  if (around) refuse(`node '${from}' is inside '${around.id}': use '${around.id}'`, 'from');
  const similar = suggest(
    from,
    plan.nodes.map(({ id }) => id),
  );
  refuse(`from must be start, failed or a node of the flow: there is no node '${from}'${similar}`, 'from');
}

const hasNode = (nodes: readonly PlanNode[], id: string): boolean =>
  nodes.some((node) => node.id === id || hasNode(node.nodes ?? [], id));

function refuse(message: string, field: string): never {
  throw new ApiError('invalid-request', `The run cannot be run again: ${message}`, {
    details: [{ field, message }],
  });
}
