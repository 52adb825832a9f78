// One unit of work: a node, or one item of an `each`. Runs its attempts, its waits and its retries, and records the end.

import type { ErrorDetail, Failure } from '../errors.ts';
import { PlatformError } from '../errors.ts';
import { evaluateDeep } from '../expressions/evaluate.ts';
import type { PlanNode } from '../flow/plan.ts';
import type { Json } from '../json.ts';
import { HANDOVER_WAIT_SECONDS, MAX_PAYLOAD_BYTES, MAX_UNITS } from '../limits.ts';
import { failed, type NodeContext, type NodeKind, type Outcome, type Resumption } from '../nodes/node-kind.ts';
import { mayRetry, retryDelayMs } from '../retry.ts';
import type { NodeRecord, Usage } from '../run.ts';
import type { Bindings } from './bindings.ts';
import { evaluateInput } from './input.ts';
import { endedState, record } from './record.ts';
import { type Slice, STOPPED, type UnitEnd, YIELDED } from './slice.ts';

export interface Unit {
  node: PlanNode;
  path: string;
  bindings: Bindings;
  /** Aborts when the slice stops or a sibling's failure ends the graph. */
  signal: AbortSignal;
  /** Whether a node of the scope takes this branch. */
  takes(port: string): boolean;
}

export async function runUnit(slice: Slice, unit: Unit): Promise<UnitEnd> {
  const before = slice.records.get(unit.path);
  if (before && before.status !== 'waiting') return { kind: 'ended', state: endedState(before, unit.node) };
  if (unit.signal.aborted) return STOPPED;
  const begin = resumption(slice, before);
  if (begin === undefined && before?.wait) return asleep(before);
  if (!fits(slice, unit)) return YIELDED;
  if (before === undefined) slice.units += 1;
  if (slice.units > MAX_UNITS) {
    return conclude(
      slice,
      unit,
      attemptOf(slice, 1),
      failed('budget-exceeded', `A run has at most ${MAX_UNITS} units`),
    );
  }
  return attempts(slice, unit, begin ?? { attempt: 1 });
}

interface Begin {
  attempt: number;
  /** Of a unit that waited and goes on. */
  resume?: Resumption;
}

interface Attempt {
  number: number;
  startedAt: number;
}

const attemptOf = (slice: Slice, number: number): Attempt => ({ number, startedAt: slice.ports.clock.now() });

const asleep = (waiting: NodeRecord): UnitEnd => ({
  kind: 'suspended',
  waits: [{ ...waiting.wait, kind: waiting.wait?.kind ?? 'timer', path: waiting.path }],
  yielded: false,
});

/** How a waiting unit goes on now; undefined while it still waits. */
function resumption(slice: Slice, waiting: NodeRecord | undefined): Begin | undefined {
  const wait = waiting?.wait;
  if (wait === undefined) return undefined;
  const due = wait.until !== undefined && wait.until <= slice.ports.clock.now();
  if (wait.retry !== undefined) return due ? { attempt: wait.retry } : undefined;
  const signal = slice.signals.get(waiting?.path ?? '');
  const attempt = waiting?.attempts ?? 1;
  if (signal) return { attempt, resume: { by: 'signal', signal } };
  if (due) return { attempt, resume: { by: 'timer' } };
  // A crash came between the record of the wait and telling the other side: `run` again leads there.
  return wait.notified === false ? { attempt } : undefined;
}

/** A waiting kind's `timeout` bounds the wait; what it does itself takes at most its default. */
function attemptMs(slice: Slice, { node }: Unit): number {
  const kind = kindOf(slice, node);
  return kind.waits?.(node.with) ? kind.defaultTimeoutMs : node.timeoutMs;
}

function fits(slice: Slice, unit: Unit): boolean {
  return slice.ports.clock.now() + attemptMs(slice, unit) <= slice.budgetUntil;
}

export function kindOf(slice: Slice, node: PlanNode): NodeKind {
  const kind = slice.kinds[node.type];
  if (!kind) throw new PlatformError('invalid-flow', `This release does not know node type '${node.type}'`);
  return kind;
}

async function attempts(slice: Slice, unit: Unit, begin: Begin): Promise<UnitEnd> {
  for (let number = begin.attempt; ; number += 1) {
    const attempt = attemptOf(slice, number);
    const outcome = await once(slice, unit, attempt, number === begin.attempt ? begin.resume : undefined);
    if (slice.stop.signal.aborted || unit.signal.aborted) return STOPPED;
    if (outcome.kind === 'wait') return wait(slice, unit, attempt, outcome);
    if (outcome.kind === 'done' || !mayRetry(unit.node.retry, number, outcome)) {
      return conclude(slice, unit, attempt, outcome);
    }
    const retried = await pause(slice, unit, attempt, outcome);
    if (retried) return retried;
  }
}

/** Before the next attempt: a short delay is slept, a long one recorded. Undefined means: try again now. */
async function pause(slice: Slice, unit: Unit, attempt: Attempt, outcome: Failed): Promise<UnitEnd | undefined> {
  const { clock, ids } = slice.ports;
  const retry = attempt.number + 1;
  const delayMs = Math.max(retryDelayMs(unit.node.retry, retry, ids.random()), outcome.retryAfterMs ?? 0);
  const error = failureOf(slice, unit.path, outcome);
  slice.emit({ type: 'node.retrying', at: clock.now(), path: unit.path, attempt: retry, error, delayMs });
  if (delayMs >= HANDOVER_WAIT_SECONDS * 1_000) {
    return rest(slice, unit, attempt, { kind: 'timer', until: clock.now() + delayMs, retry });
  }
  await clock.sleep(delayMs, unit.signal);
  if (unit.signal.aborted) return STOPPED;
  return fits(slice, unit) ? undefined : rest(slice, unit, attempt, { kind: 'timer', until: clock.now(), retry });
}

type Failed = Extract<Outcome, { kind: 'failed' }>;

/** One attempt under the gate and the unit's timeout. What the kind throws by mistake fails the unit, never the slice. */
async function once(slice: Slice, unit: Unit, attempt: Attempt, resume: Resumption | undefined): Promise<Outcome> {
  await slice.gate.enter();
  const timeout = new AbortController();
  const over = new AbortController();
  const timeoutMs = attemptMs(slice, unit);
  const signal = AbortSignal.any([unit.signal, timeout.signal]);
  const timer = slice.ports.clock.sleep(timeoutMs, over.signal).then((): Outcome => {
    if (!over.signal.aborted) timeout.abort();
    return failed('node-timed-out', `The node took longer than ${timeoutMs / 1_000} s`, { retryable: true });
  });
  const stopped = new Promise<Outcome>((resolve) => {
    unit.signal.addEventListener('abort', () => resolve(failed('run-canceled', 'The run stopped')), { once: true });
  });
  try {
    return await Promise.race([invoke(slice, unit, { attempt, signal, resume }), timer, stopped]);
  } finally {
    over.abort();
    slice.gate.leave();
  }
}

interface Invocation {
  attempt: Attempt;
  signal: AbortSignal;
  resume: Resumption | undefined;
}

async function invoke(slice: Slice, unit: Unit, { attempt, signal, resume }: Invocation): Promise<Outcome> {
  const kind = kindOf(slice, unit.node);
  try {
    const context = contextOf(slice, unit, attempt, signal);
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

function fromThrown(slice: Slice, unit: Unit, error: unknown): Outcome {
  if (error instanceof PlatformError) {
    return failed(error.code, error.message, { ...(error.details && { details: error.details }) });
  }
  slice.ports.log.error('a node kind failed unexpectedly', { error, path: unit.path, type: unit.node.type });
  return failed('internal', 'The node failed unexpectedly');
}

function contextOf(slice: Slice, unit: Unit, attempt: Attempt, signal: AbortSignal): NodeContext {
  const { run, ports } = slice;
  return {
    path: unit.path,
    run: {
      id: run.id,
      tenant: run.tenant,
      flow: run.flow,
      env: run.env,
      startedAt: run.startedAt ?? run.createdAt,
      ...(run.user !== undefined && { user: run.user }),
    },
    attempt: attempt.number,
    idempotencyKey: `${run.id}/${unit.path}`,
    callbackUrl: () => `${run.origin}/v1/signals/${ports.keyring.signalToken(run.id, unit.path)}`,
    bindings: unit.bindings,
    secrets: slice.secrets,
    signal,
    timeoutMs: unit.node.timeoutMs,
    now: () => ports.clock.now(),
    ports,
  };
}

async function wait(slice: Slice, unit: Unit, attempt: Attempt, outcome: Extract<Outcome, { kind: 'wait' }>) {
  const { notify } = outcome;
  const wait = { ...outcome.wait, ...(notify && { notified: false }) };
  const rested = await rest(slice, unit, attempt, wait);
  if (!notify || rested.kind !== 'suspended' || slice.records.get(unit.path)?.status !== 'waiting') return rested;
  const told = await notify().catch((error: unknown) => fromThrown(slice, unit, error));
  if (slice.stop.signal.aborted) return STOPPED;
  if (told && told.kind !== 'wait') return conclude(slice, unit, attempt, told);
  return rest(slice, unit, attempt, { ...wait, notified: true });
}

/** Records that the unit waits. */
async function rest(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  wait: NonNullable<NodeRecord['wait']>,
): Promise<UnitEnd> {
  const waiting = await record(slice, {
    path: unit.path,
    type: unit.node.type,
    status: 'waiting',
    attempts: attempt.number,
    startedAt: attempt.startedAt,
    wait,
  });
  if (waiting === undefined) return STOPPED;
  if (waiting.status !== 'waiting') return { kind: 'ended', state: endedState(waiting, unit.node) };
  // Told once whoever must answer knows of it.
  if (wait.notified !== false) slice.emit({ type: 'node.waiting', at: slice.ports.clock.now(), path: unit.path, wait });
  return asleep(waiting);
}

/** Records the end of the unit and says what it means for the graph. */
export async function conclude(
  slice: Slice,
  unit: Unit,
  attempt: Attempt,
  outcome: Exclude<Outcome, { kind: 'wait' }>,
  items?: number,
): Promise<UnitEnd> {
  const first = slice.records.get(unit.path)?.startedAt ?? attempt.startedAt;
  const common = { path: unit.path, type: unit.node.type, attempts: attempt.number, startedAt: first };
  const endedAt = slice.ports.clock.now();
  const end = await reshape(slice, unit, outcome);
  const { output, ...small } = end;
  const kept = items === undefined ? end : { ...small, items };
  const ended = await record(slice, { ...common, ...kept, endedAt });
  if (ended === undefined) return STOPPED;
  slice.emit({ type: 'node.finished', at: endedAt, record: ended });
  return { kind: 'ended', state: endedState(items === undefined ? ended : { ...ended, ...end }, unit.node) };
}

type End = Pick<NodeRecord, 'status' | 'output' | 'port' | 'error' | 'handled' | 'usage'>;

async function reshape(slice: Slice, unit: Unit, outcome: Exclude<Outcome, { kind: 'wait' }>): Promise<End> {
  if (outcome.kind === 'failed') return failure(slice, unit, outcome);
  const usage: { usage?: Usage } = outcome.usage ? { usage: outcome.usage } : {};
  try {
    const output = await shaped(unit, outcome.result);
    if (JSON.stringify(output).length > MAX_PAYLOAD_BYTES) {
      const message = `The node's output is larger than ${MAX_PAYLOAD_BYTES / 1_048_576} MB: keep less of it with \`output:\``;
      return { ...(await failure(slice, unit, failed('payload-too-large', message))), ...usage };
    }
    return { status: 'succeeded', output, ...(outcome.port !== undefined && { port: outcome.port }), ...usage };
  } catch (error) {
    return { ...(await failure(slice, unit, fromThrown(slice, unit, error))), ...usage };
  }
}

function shaped({ node, bindings }: Unit, result: Json): Json | Promise<Json> {
  return node.output === undefined ? result : evaluateDeep(node.output, { ...bindings, result });
}

async function failure(slice: Slice, unit: Unit, outcome: Outcome): Promise<End> {
  const given = outcome.kind === 'failed' ? outcome : { code: 'internal', message: 'The node failed unexpectedly' };
  const { onError } = unit.node;
  if (given.code === 'node-timed-out' && unit.takes('timeout')) {
    return { status: 'succeeded', output: null, port: 'timeout' };
  }
  const error = failureOf(slice, unit.path, given);
  if (typeof onError === 'object') {
    const known = { code: error.code, message: error.message };
    return {
      status: 'failed',
      handled: true,
      error,
      output: await evaluateDeep(onError.output, { ...unit.bindings, error: known }),
    };
  }
  const handled = onError === 'continue' || unit.takes('error');
  return { status: 'failed', error, ...(handled && { handled }) };
}

function failureOf(
  slice: Slice,
  path: string,
  { code, message, details }: { code: string; message: string; details?: ErrorDetail[] },
): Failure {
  let safe = message;
  for (const secret of Object.values(slice.secrets)) if (secret) safe = safe.replaceAll(secret, '***');
  return { code, message: safe, node: path, ...(details && { details }) };
}
