// One attempt of a unit: its input, the call of its kind under the gate and the timeout.

import { keepFile, openFile, toReference } from '../catalog/files.ts';
import { openPlugin } from '../catalog/plugins.ts';
import { ApiError } from '../errors.ts';
import type { PlanNode } from '../flow/plan.ts';
import { failed, type NodeContext, type NodeKind, type Outcome, type Resumption } from '../nodes/node-kind.ts';
import { makeChildren } from './children.ts';
import { fromThrown } from './conclude.ts';
import { evaluateInput } from './input.ts';
import { rethrowStoreFaults } from './rethrow-as-fault.ts';
import { type Attempt, type Slice, STOPPED, type Unit, YIELDED } from './slice.ts';

export function findKind(slice: Slice, node: PlanNode): NodeKind {
  const kind = slice.kinds[node.type];
  if (!kind) throw new ApiError('invalid-flow', `This release does not know node type '${node.type}'`);
  return kind;
}

/** A waiting kind's `timeout` bounds the wait; what it does itself takes at most its default. */
function attemptMs(slice: Slice, { node }: Unit): number {
  const kind = findKind(slice, node);
  return kind.waits?.(node.with) ? kind.defaultTimeoutMs : node.timeoutMs;
}

/** Whether an attempt may take as long as it may before the slice is over. */
export function fits(slice: Slice, unit: Unit): boolean {
  return slice.ports.clock.now() + attemptMs(slice, unit) <= slice.budgetUntil;
}

/** One attempt under the gate and the unit's timeout. What the kind throws by mistake fails the unit, never the slice. */
export async function attemptOnce(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  resume: Resumption | undefined,
): Promise<Outcome | typeof STOPPED | typeof YIELDED> {
  await slice.gate.enter();
  try {
    // It may have queued for long.
    if (unit.signal.aborted) return STOPPED;
    if (!fits(slice, unit)) return YIELDED;
    // What a process begins that has lost its lease is done twice.
    if (!(await slice.ensureLease())) return STOPPED;
    attempt.startedAt = slice.ports.clock.now();
    return await bounded(slice, unit, (signal) => invoke(slice, unit, { attempt, signal, resume }));
  } finally {
    slice.gate.leave();
  }
}

/** Over when the work is, when its time is up, or when the slice or the graph stops. */
export async function bounded<End extends Outcome | undefined>(
  slice: Slice,
  unit: Unit,
  work: (signal: AbortSignal) => Promise<End>,
): Promise<End | Outcome> {
  const timeout = new AbortController();
  const over = new AbortController();
  const timeoutMs = attemptMs(slice, unit);
  const signal = AbortSignal.any([unit.signal, timeout.signal]);
  const timer = slice.ports.clock.sleep(timeoutMs, over.signal).then((): Outcome => {
    if (!over.signal.aborted) timeout.abort();
    return failed('node-timed-out', `The node took longer than ${timeoutMs / 1_000} s`, { retryable: true });
  });
  const { promise: stopped, resolve } = Promise.withResolvers<Outcome>();
  const stop = () => resolve(failed('run-canceled', 'The run stopped'));
  unit.signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work(signal), timer, stopped]);
  } finally {
    over.abort();
    // Node keeps a signal that is made of others, and the run with it, for as long as anybody listens.
    unit.signal.removeEventListener('abort', stop);
  }
}

interface Invocation {
  attempt: Attempt;
  signal: AbortSignal;
  resume: Resumption | undefined;
}

async function invoke(slice: Slice, unit: Unit, { attempt, signal, resume }: Invocation): Promise<Outcome> {
  const kind = findKind(slice, unit.node);
  try {
    const context = makeContext(slice, unit, attempt, signal);
    const input = await evaluateInput(kind, unit.node.with, {
      ...unit.bindings,
      secrets: slice.secrets,
      ...(kind.givesCallback && { callback: { url: context.callbackUrl() } }),
    });
    slice.emit({
      type: 'node.started',
      at: attempt.startedAt,
      path: unit.path,
      node: unit.node.id,
      nodeType: unit.node.type,
    });
    if (resume && kind.resume) return await kind.resume(context, input, resume);
    return await kind.run(context, input);
  } catch (error) {
    return fromThrown(slice, unit, error);
  }
}

function makeContext(slice: Slice, unit: Unit, attempt: Attempt, signal: AbortSignal): NodeContext {
  const { run, ports } = slice;
  const stores = () => ({
    ...ports,
    files: rethrowStoreFaults(ports.files),
    plugins: rethrowStoreFaults(ports.plugins),
  });
  return {
    path: unit.path,
    run: {
      id: run.id,
      tenant: run.tenant,
      flow: run.flow,
      env: run.env,
      startedAt: run.startedAt ?? run.createdAt,
      user: run.user,
    },
    attempt: attempt.number,
    idempotencyKey: `${run.id}/${unit.path}`,
    callbackUrl: () => `${run.origin}/v1/signals/${ports.keyring.signalToken(run.id, unit.path)}`,
    bindings: unit.bindings,
    secrets: slice.secrets,
    signal,
    timeoutMs: unit.node.timeoutMs,
    now: () => ports.clock.now(),
    say(text) {
      attempt.said = true;
      slice.emit({ type: 'node.delta', at: ports.clock.now(), path: unit.path, text });
    },
    streams: unit.node.stream === true || slice.streaming.has(unit.node.id),
    models: slice.plan.models,
    children: makeChildren(slice, unit, attempt.number),
    files: {
      open: (ref, maxBytes) =>
        openFile(stores(), ref, { tenant: run.tenant, maxBytes, timeoutMs: attemptMs(slice, unit), signal }),
      keep: async (file) => toReference(await keepFile(stores(), run.tenant, file)),
    },
    plugin: (id, auth) =>
      openPlugin(stores(), {
        tenant: run.tenant,
        plan: slice.plan,
        id,
        auth,
        user: { credentials: slice.credentials, since: run.createdAt },
      }),
    ports,
  };
}
