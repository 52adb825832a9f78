// Outside answers to a waiting node: stored first, then the Park is woken. A signal that comes early is kept.

import { type Actor, requireRun, TOKEN_HOLDER } from '../access/run-access.ts';
import { ApiError } from '../errors.ts';
import type { Json } from '../json.ts';
import { UNPICKED_SECONDS } from '../limits.ts';
import { NODE_KINDS } from '../nodes/index.ts';
import type { NodeKind } from '../nodes/node-kind.ts';
import type { Ports } from '../ports/ports.ts';
import { isSettled, type Run } from '../run.ts';
import { reusedRecords } from '../runs/reuse.ts';
import { findUnit, whyUnreachable } from '../runs/unit-path.ts';

export interface SignalRequest {
  runId: string;
  path: string;
  payload: Json;
  by?: string;
}

export async function signalRun(ports: Ports, actor: Actor, request: SignalRequest): Promise<Run> {
  const { runId, payload, by } = request;
  const run = await requireRun(ports, actor, runId);
  if (isSettled(run.status)) throw new ApiError('run-already-settled');
  const path = await findAwaited(ports, run, request);
  const signal = { path, payload, at: ports.clock.now(), by };
  const stored = await ports.runs.signal(runId, signal, signal.at + UNPICKED_SECONDS * 1_000);
  if (stored.kind === 'duplicate') refuseRepeat(path);
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

/** The path of the unit, as its records have it. Refuses what would reach none, and what its kind does not take. */
async function findAwaited(ports: Ports, run: Run, { path, payload }: SignalRequest): Promise<string> {
  const plan = await ports.flows.plan(run.tenant, run.flow, run.digest);
  const unit = findUnit(plan?.nodes ?? [], path);
  if (unit.kind === 'none') refuse(`Flow '${run.flow}' has no such unit: ${unit.message}`);
  const kind: NodeKind | undefined = NODE_KINDS[unit.node.type as keyof typeof NODE_KINDS];
  if (!kind?.waits?.(unit.node.with) || kind.endsByItself) refuse(`Node '${unit.path}' takes no signal`);
  await checkReachable(ports, run, unit.path);
  const details = (await kind.refuses?.(unit.node.with, payload)) ?? [];
  if (details.length === 0) return unit.path;
  const said = details.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new ApiError('invalid-request', said, { details });
}

async function checkReachable(ports: Ports, run: Run, path: string): Promise<void> {
  const [{ records, signals }, reused] = await Promise.all([ports.runs.load(run.id), reusedRecords(ports, run)]);
  // The store would say so, too; but a unit that was answered has often ended.
  if (signals.some((signal) => signal.path === path)) refuseRepeat(path);
  const why = whyUnreachable(path, [...reused, ...records]);
  if (why !== undefined) refuse(`The signal would reach nobody: ${why}`);
}

function refuse(message: string): never {
  throw new ApiError('signal-not-awaited', message);
}

function refuseRepeat(path: string): never {
  throw new ApiError('signal-already-given', `Node '${path}' was already signaled`);
}
