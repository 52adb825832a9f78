// One slice of one run: load what has ended, run what is ready, and end with the run settled or its lease released.
// The same function serves sync and stream calls, the worker and Step Functions.

import { openSecrets } from '../access/secrets.ts';
import { ApiError } from '../errors.ts';
import { evaluateDeep } from '../expressions/evaluate.ts';
import { isLargerThan } from '../expressions/measure.ts';
import type { Plan } from '../flow/plan.ts';
import type { Json, JsonObject } from '../json.ts';
import { MAX_PAYLOAD_BYTES, RUN_NODE_CONCURRENCY, SWEEP_PERIOD_SECONDS } from '../limits.ts';
import { NODE_KINDS } from '../nodes/index.ts';
import type { Ports } from '../ports/ports.ts';
import type { Settlement, Suspension } from '../ports/runs.ts';
import type { Run } from '../run.ts';
import { type Emit, makeSequence, numberEvent } from '../runs/events.ts';
import { reusedRecords } from '../runs/reuse.ts';
import { EXPIRED, settleRun } from '../runs/settle.ts';
import type { SliceEnd } from '../runs/slice-end.ts';
import { scopeBindings } from './bindings.ts';
import type { StartChild } from './children.ts';
import { asList } from './each.ts';
import { runGraph } from './graph.ts';
import { watch } from './lease.ts';
import { sumUsage } from './record.ts';
import { type GraphEnd, makeGate, type Scope, type Slice, type StopReason, type Suspended } from './slice.ts';
import { summarizeWaits } from './wait.ts';

export interface SliceOptions {
  /** Epoch milliseconds: no unit starts whose timeout does not fit before it. */
  budgetUntil: number;
  /** Count a handoff when the run does not settle here, because the caller will start an execution. */
  handoff: boolean;
  /** Accepts the runs that `flow` nodes start. */
  startChild: StartChild;
  emit?: Emit;
}

/** `run` is freshly claimed. Rejects only for faults of the platform; the lease is released then, where possible. */
export async function runSlice(ports: Ports, run: Run, options: SliceOptions): Promise<SliceEnd> {
  const opened = await openSlice(ports, run, options);
  if (opened.kind === 'refused') return cannotBegin(ports, run, opened.error);
  const { slice } = opened;
  const watching = watch(slice);
  slice.ensureLease = watching.ensureLease;
  slice.changed = watching.changed;
  try {
    for (;;) {
      const end = await concludeGraph(slice, await runGraph(slice, rootScope(slice)), options);
      if (end.kind !== 'again') return end;
    }
  } catch (error) {
    await releaseLease(slice).catch(() => {});
    throw error;
  } finally {
    await watching.end();
  }
}

/** What no later attempt would find either (a secret that nobody has set) ends the run at once. */
async function cannotBegin(ports: Ports, run: Run, { code, message }: ApiError): Promise<SliceEnd> {
  const { usage, handledErrors } = run;
  const end = { status: 'failed', outputs: null, usage, handledErrors, endedAt: ports.clock.now() } as const;
  return settleRun(ports, run, { ...end, error: { code, message, node: null } });
}

type Opened = { kind: 'opened'; slice: Slice } | { kind: 'refused'; error: ApiError };

async function openSlice(ports: Ports, run: Run, options: SliceOptions): Promise<Opened> {
  const [loaded, plan] = await Promise.all([
    ports.runs.load(run.id),
    ports.flows.plan(run.tenant, run.flow, run.digest),
    // Nodes hand out callback addresses, which are signed.
    ports.keyring.ready(),
  ]);
  if (!plan) return refuse(new ApiError('internal', `The plan ${run.digest} of run ${run.id} is gone`));
  const secrets = await readSecrets(ports, run, plan);
  if (secrets.kind === 'refused') return secrets;
  const reused = await reusedRecords(ports, run);
  const records = new Map([...reused, ...loaded.records].map((record) => [record.path, record]));
  const sequence = makeSequence(run.epoch);
  const slice: Slice = {
    ports,
    kinds: NODE_KINDS,
    run,
    plan,
    inputs: loaded.inputs,
    secrets: secrets.values,
    startedBy: loaded.startedBy,
    credentials: loaded.credentials ?? {},
    records,
    signals: new Map(loaded.signals.map((signal) => [signal.path, signal])),
    budgetUntil: options.budgetUntil,
    stop: new AbortController(),
    ensureLease: async () => true,
    changed: () => new Promise(() => {}),
    startChild: options.startChild,
    sequence,
    emit: (event) => options.emit?.({ ...event, seq: numberEvent(event, sequence, run.epoch) }),
    gate: makeGate(Math.min(plan.settings.concurrency, RUN_NODE_CONCURRENCY)),
    streaming: streamingNodes(plan),
    units: records.size,
    runGraph: (scope) => runGraph(slice, scope),
  };
  slice.emit({ type: 'run.started', run });
  return { kind: 'opened', slice };
}

const refuse = (error: ApiError) => ({ kind: 'refused', error }) as const;

async function readSecrets(ports: Ports, run: Run, { secrets }: Plan) {
  try {
    const values = secrets.length > 0 ? await openSecrets(ports, run.tenant, secrets) : {};
    return { kind: 'read', values } as const;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not-found') return refuse(error);
    throw error;
  }
}

/** Nodes that an output with `stream: true` mentions. */
function streamingNodes({ outputs }: Plan): Set<string> {
  const streaming = Object.values(outputs).filter((it) => typeof it === 'object' && it.stream);
  return new Set([...JSON.stringify(streaming).matchAll(/\$nodes\.(\w+)/g)].map(([, id = '']) => id));
}

const rootScope = (slice: Slice): Scope => ({
  prefix: '',
  nodes: slice.plan.nodes,
  outer: {},
  signal: slice.stop.signal,
});

/** `again`: a signal came in while the run was being suspended, so the graph is run once more. */
type Concluded = SliceEnd | { kind: 'again' };

async function concludeGraph(slice: Slice, graph: GraphEnd, options: SliceOptions): Promise<Concluded> {
  if (slice.stop.signal.aborted) return stopped(slice, slice.stop.signal.reason as StopReason);
  if (graph.kind === 'suspended') return suspend(slice, graph, options);
  if (graph.kind === 'stopped') return { kind: 'lost' };
  if (graph.kind === 'failed') return settle(slice, { status: 'failed', outputs: null, error: graph.failure });
  try {
    const outputs = await buildOutputs(slice, graph.states);
    return await settle(slice, { status: 'succeeded', outputs });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const failure = { code: error.code, message: error.message, node: null };
    return settle(slice, { status: 'failed', outputs: null, error: failure });
  }
}

async function stopped(slice: Slice, reason: StopReason): Promise<SliceEnd> {
  if (reason === 'stalled') await releaseLease(slice);
  if (reason === 'lost' || reason === 'stalled') return { kind: 'lost' };
  if (reason === 'canceled') return settle(slice, { status: 'canceled', outputs: null });
  return settle(slice, { ...EXPIRED, outputs: null });
}

async function settle(slice: Slice, end: Pick<Settlement, 'status' | 'outputs' | 'error'>): Promise<SliceEnd> {
  const totals = sumUsage(slice.records.values());
  const settlement = { ...end, ...totals, endedAt: slice.ports.clock.now() };
  const settled = await settleRun(slice.ports, slice.run, settlement, slice.records.values());
  if (settled.kind === 'settled') slice.emit({ type: 'run.finished', run: settled.run });
  return settled;
}

async function suspend(slice: Slice, graph: Suspended, { handoff }: SliceOptions): Promise<Concluded> {
  const { ports, run } = slice;
  const now = ports.clock.now();
  const { waitingFor, wakeAt } = summarizeWaits(graph.waits);
  const overdue = (graph.yielded ? now : (wakeAt ?? run.deadlineAt)) + SWEEP_PERIOD_SECONDS * 1_000;
  const suspension: Suspension = {
    status: graph.yielded ? 'running' : 'waiting',
    dueAt: Math.min(overdue, run.deadlineAt),
    handoff,
    ...(!graph.yielded && { waitingFor, wakeAt }),
    ...sumUsage(slice.records.values()),
  };
  if (!(await slice.ensureLease())) return { kind: 'lost' };
  const result = await ports.runs.suspend(run, suspension);
  if (result.kind === 'lost') return { kind: 'lost' };
  if (result.kind === 'signaled') return reloadSignals(slice);
  if (!graph.yielded) slice.emit({ type: 'run.waiting', run: result.run });
  return { ...result, yielded: graph.yielded };
}

/** A signal or a cancel request came just before the run was suspended. */
async function reloadSignals(slice: Slice): Promise<Concluded> {
  const run = await slice.ports.runs.get(slice.run.id);
  if (!run || run.epoch !== slice.run.epoch) return { kind: 'lost' };
  if (run.cancelRequested) return stopped(slice, 'canceled');
  const { signals } = await slice.ports.runs.load(run.id);
  for (const signal of signals) slice.signals.set(signal.path, signal);
  slice.run = run;
  return { kind: 'again' };
}

/** After a fault, or when the process did not run for too long: free the run for the next worker at once, instead of letting the lease run out. */
async function releaseLease(slice: Slice): Promise<void> {
  const dueAt = Math.min(slice.ports.clock.now() + SWEEP_PERIOD_SECONDS * 500, slice.run.deadlineAt);
  const totals = sumUsage(slice.records.values());
  await slice.ports.runs.suspend(slice.run, { status: 'running', dueAt, handoff: false, ...totals });
}

async function buildOutputs(slice: Slice, states: Extract<GraphEnd, { kind: 'done' }>['states']): Promise<JsonObject> {
  const outputs = await evaluateOutputs(slice.plan, scopeBindings(slice, rootScope(slice), states));
  if (isLargerThan(outputs, MAX_PAYLOAD_BYTES)) {
    throw new ApiError('payload-too-large', `The outputs are larger than ${MAX_PAYLOAD_BYTES / 1_048_576} MB`);
  }
  return outputs;
}

async function evaluateOutputs({ outputs }: Plan, bindings: Record<string, Json>): Promise<JsonObject> {
  if (typeof outputs['expression'] === 'string') {
    const whole = await evaluateDeep(outputs['expression'], bindings);
    if (whole !== null && typeof whole === 'object' && !Array.isArray(whole)) return whole;
    throw new ApiError('expression-failed', '`outputs` must give an object');
  }
  const named = await Promise.all(
    Object.entries(outputs as Exclude<Plan['outputs'], { expression: string }>).map(async ([name, spec]) => {
      const value = await evaluateDeep(spec.value, bindings);
      return [name, spec.type === 'array' ? asList(value) : value] as const;
    }),
  );
  return Object.fromEntries(named);
}
