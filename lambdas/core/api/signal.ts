// Outside answers to a waiting node: stored first, then the Park is woken. A signal that comes early is kept.

import { ApiError } from '../errors.ts';
import { findNodeAt } from '../flow/node-at.ts';
import type { Json } from '../json.ts';
import { UNPICKED_SECONDS } from '../limits.ts';
import { NODE_KINDS } from '../nodes/index.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';

export interface SignalRequest {
  runId: string;
  path: string;
  payload: Json;
  by?: string;
  /** Absent where an unguessable token has proved the right to signal. */
  tenant?: string;
}

export async function signalRun(ports: Ports, { runId, path, payload, by, tenant }: SignalRequest): Promise<Run> {
  const run = await ports.runs.get(runId);
  if (!run || (tenant !== undefined && run.tenant !== tenant)) {
    throw new ApiError('run-not-found', `There is no run '${runId}'`);
  }
  const given = () => new ApiError('signal-already-given', `Node '${path}' was already signaled`);
  if (isSettled(run.status)) throw new ApiError('run-already-settled');
  await checkAwaited(ports, run, { path, payload });
  const signal = { path, payload, at: ports.clock.now(), by };
  const stored = await ports.runs.signal(runId, signal, signal.at + UNPICKED_SECONDS * 1_000);
  if (stored.kind === 'given') throw given();
  if (stored.kind === 'settled') throw new ApiError('run-already-settled');
  await wake(ports, stored.run);
  return stored.run;
}

export async function signalByToken(ports: Ports, token: string, payload: Json): Promise<Run> {
  await ports.keyring.ready();
  const address = ports.keyring.readSignalToken(token);
  if (!address) throw new ApiError('not-found', 'This callback address is not one of ours');
  return signalRun(ports, { ...address, payload });
}

/** A Park is woken; a slice that runs sees the signal by itself; what is missed the sweeper finds. */
async function wake(ports: Ports, run: Run): Promise<void> {
  if (run.parkToken === undefined) return;
  try {
    await ports.machine.wake(run.parkToken);
  } catch (error) {
    ports.log.warn('a signaled run could not be woken; the sweeper will ring it', { run: run.id, error });
  }
}

async function checkAwaited(
  ports: Ports,
  run: Run,
  { path, payload }: Pick<SignalRequest, 'path' | 'payload'>,
): Promise<void> {
  const plan = await ports.flows.plan(run.tenant, run.flow, run.digest);
  const node = plan && findNodeAt(plan.nodes, path);
  const kind: NodeKind | undefined = node && NODE_KINDS[node.type as keyof typeof NODE_KINDS];
  if (!node || !kind?.waits?.(node.with)) {
    const message = node ? `Node '${path}' takes no signal` : `Flow '${run.flow}' has no node '${path}'`;
    throw new ApiError('signal-not-awaited', message);
  }
  const details = (await kind.refuses?.(node.with, payload)) ?? [];
  if (details.length === 0) return;
  const said = details.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new ApiError('invalid-request', said, { details });
}
