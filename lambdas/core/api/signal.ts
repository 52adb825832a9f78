// Outside answers to a waiting node: stored first, then the Park is woken. A signal that comes early is kept.

import { type Actor, requireRun, TOKEN_HOLDER } from '../access/run-access.ts';
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
}

export async function signalRun(ports: Ports, actor: Actor, request: SignalRequest): Promise<Run> {
  const { runId, path, payload, by } = request;
  const run = await requireRun(ports, actor, runId);
  if (isSettled(run.status)) throw new ApiError('run-already-settled');
  await checkAwaited(ports, run, { path, payload });
  const signal = { path, payload, at: ports.clock.now(), by };
  const stored = await ports.runs.signal(runId, signal, signal.at + UNPICKED_SECONDS * 1_000);
  if (stored.kind === 'duplicate') throw new ApiError('signal-already-given', `Node '${path}' was already signaled`);
  if (stored.kind === 'settled') throw new ApiError('run-already-settled');
  await wake(ports, stored.run);
  return stored.run;
}

export async function signalByToken(ports: Ports, token: string, payload: Json): Promise<Run> {
  await ports.keyring.ready();
  const address = ports.keyring.readSignalToken(token);
  if (!address) throw new ApiError('not-found', 'Invalid callback URL');
  return signalRun(ports, TOKEN_HOLDER, { ...address, payload });
}

/** A Park is woken; a slice that runs sees the signal by itself; the sweeper finds what both overlook. */
async function wake(ports: Ports, run: Run): Promise<void> {
  if (run.parkToken === undefined) return;
  try {
    await ports.machine.wake(run.parkToken);
  } catch (error) {
    ports.log.warn('a signaled run could not be woken; the sweeper will enqueue it', { run: run.id, error });
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
