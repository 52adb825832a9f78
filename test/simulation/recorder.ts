// Sees every effect on the stores, whoever causes it, and records what the invariants are checked against.

import type { ClaimResult, RunStore, Slots } from '../../lambdas/core/ports/runs.ts';
import { isSettled, type NodeRecord, type Run, type Signal } from '../../lambdas/core/run.ts';
import type { Call, Process } from './process.ts';
import { makeTenantQueues } from './tenant-queues.ts';

export interface RecordedRun {
  accepted: Run;
  idempotencyKey: string | undefined;
  /** Who held the lease, by epoch. */
  claims: { at: number; epoch: number; by: Process; isTakeover: boolean; hadSlot: boolean; ending: boolean }[];
  /** Every process that asked for something about it. */
  processes: Set<Process>;
  settled: { at: number; status: string }[];
  cancelAsked: boolean;
  signals: { path: string; at: number }[];
  /** Records written after the end, by processes that had no fault. */
  lateRecords: string[];
  /** How every unit ended. */
  ends: Map<string, NodeRecord>;
  /** How often it crashed its worker. */
  poisonings: number;
  /** Calls of the stores on its behalf. */
  calls: number;
}

export interface Recorder {
  runs: Map<string, RecordedRun>;
  /** What was against the rules at the moment when it happened. */
  complaints: string[];
  record(call: Call, answer: unknown): Promise<void>;
  /** The run as it was a moment ago. */
  before(id: string): Run | undefined;
  recordPoisoning(call: Call): void;
  onWaiting(listener: (run: Run, record: NodeRecord) => void): void;
  onSettled(listener: (run: Run) => void): void;
}

interface Stores {
  runs: ReadonlyMap<string, { run: Run }>;
  slots: Slots;
  now(): number;
}

// The sweeper looks at slots within ten minutes, then every five; its messages and its sweeps may be lost, too.
const IDLE_SLOT_MS = 25 * 60_000;
const STALE_MS = 2_000;
const VERSIONS = 5;

const FENCED = new Set<string>(['settle', 'suspend', 'renew'] satisfies (keyof RunStore)[]);

type Args<Method extends keyof RunStore> = Parameters<RunStore[Method]>;

/** The id of the run that a call of a store is about. */
export function runIn({ port, args }: Pick<Call, 'port' | 'args'>): string | undefined {
  const [first, second] = args as [unknown, unknown];
  if (port === 'slots' && typeof second === 'string') return second;
  if (typeof first === 'string') return port === 'runs' ? first : undefined;
  if (typeof first !== 'object' || first === null) return undefined;
  const { id, runId, run } = first as { id?: unknown; runId?: unknown; run?: unknown };
  if (typeof run === 'object' && run !== null) return (run as Run).id;
  return [id, runId, run].find((it) => typeof it === 'string');
}

export function makeRecorder({ runs: stored, slots, now }: Stores): Recorder {
  const runs: Recorder['runs'] = new Map();
  const complaints: string[] = [];
  const versions = new Map<string, { at: number; run: Run }[]>();
  const tenantQueues = makeTenantQueues(now);
  const waiting: ((run: Run, record: NodeRecord) => void)[] = [];
  const ended: ((run: Run) => void)[] = [];

  async function recordClaim(seen: RecordedRun, { process, args }: Call, answer: ClaimResult): Promise<void> {
    if (answer.kind !== 'claimed') return;
    const [, { ending = false }] = args as Args<'claim'>;
    const { run } = answer;
    const before = versions.get(run.id)?.at(-1)?.run;
    const { running } = await slots.occupancy(run.tenant);
    const idleMs = tenantQueues.recordStart(run);
    if (idleMs > IDLE_SLOT_MS) complaints.push(`${run.id} has held a slot for ${idleMs} ms before it began`);
    const claim = { at: now(), epoch: run.epoch, by: process, ending };
    seen.claims.push({ ...claim, isTakeover: before?.leaseUntil !== undefined, hadSlot: running.includes(run.id) });
    if (!ending && run.startAfter !== undefined && now() < run.startAfter)
      complaints.push(`${run.id} starts too early`);
    // A worker that freezes between its slot and its lease finds the slot given to another afterwards.
    const isFrozen = process.faults.some((it) => it.startsWith('freezes') || it === 'slow');
    if (!ending && !isFrozen && !running.includes(run.id)) complaints.push(`${run.id} is claimed without a slot`);
  }

  function checkEnd(seen: RecordedRun, current: NodeRecord): void {
    const end = seen.ends.get(current.path);
    const isAnother = end && (end.epoch !== current.epoch || end.seq !== current.seq);
    if (isAnother) complaints.push(`${seen.accepted.id}: ${current.path} ends twice`);
    if (current.status !== 'waiting') seen.ends.set(current.path, current);
  }

  function recordUnit(seen: RecordedRun, { process, args }: Call, current: NodeRecord): void {
    const [{ id }, record] = args as Args<'recordNode'>;
    const run = stored.get(id)?.run;
    checkEnd(seen, current);
    if (!run || current.seq !== record.seq || current.epoch !== record.epoch) return;
    if (isSettled(run.status) && process.faults.length === 0) seen.lateRecords.push(`${process.name} ${record.path}`);
    if (record.status === 'waiting') for (const listener of waiting) listener(run, record);
  }

  function recordSettlement(seen: RecordedRun, call: Call, answer: Awaited<ReturnType<RunStore['settle']>>): void {
    if (answer.kind === 'lost') return;
    seen.settled.push({ at: now(), status: answer.run.status });
    const last = seen.claims.at(-1);
    if (answer.run.epoch > 1 && last?.by !== call.process && call.process.faults.length === 0) {
      complaints.push(`${answer.run.id} is settled by ${call.process.name}, which does not hold it`);
    }
    for (const listener of ended) listener(answer.run);
  }

  /** A slice writes under its own epoch, or not at all. */
  function checkEpoch({ method, args }: Call, answer: unknown): void {
    const [of, renewed] = args as [Run | string, number];
    const isRefused = answer === undefined || (answer as { kind?: string }).kind === 'lost';
    if (!FENCED.has(method) || isRefused) return;
    const [id, epoch] = typeof of === 'string' ? [of, renewed] : [of.id, of.epoch];
    const present = stored.get(id)?.run.epoch;
    if (present !== epoch) complaints.push(`${id}: ${method} under epoch ${epoch} took effect in epoch ${present}`);
  }

  async function note(seen: RecordedRun, call: Call, answer: unknown): Promise<void> {
    const { args } = call;
    const method = call.method as keyof RunStore;
    checkEpoch(call, answer);
    seen.processes.add(call.process);
    if (call.port === 'runs' || call.port === 'slots') seen.calls += 1;
    if (method === 'claim') await recordClaim(seen, call, answer as ClaimResult);
    if (method === 'recordNode') recordUnit(seen, call, answer as NodeRecord);
    if (method === 'settle') recordSettlement(seen, call, answer as Awaited<ReturnType<RunStore['settle']>>);
    if (method === 'requestCancel') seen.cancelAsked = true;
    if (method === 'signal' && (answer as { kind: string }).kind === 'stored') {
      seen.signals.push({ path: (args[1] as Signal).path, at: now() });
    }
  }

  function accept({ method, args, process }: Call, answer: unknown): void {
    if (method !== 'create' || (answer as { kind: string }).kind !== 'created') return;
    const [{ run, idempotency }] = args as Args<'create'>;
    const claims =
      run.epoch === 0 ? [] : [{ at: now(), epoch: 1, by: process, isTakeover: false, hadSlot: true, ending: false }];
    const seen = { accepted: run, idempotencyKey: idempotency?.key, claims, processes: new Set([process]) };
    runs.set(run.id, {
      ...seen,
      settled: [],
      cancelAsked: false,
      signals: [],
      lateRecords: [],
      ends: new Map(),
      poisonings: 0,
      calls: 0,
    });
  }

  return {
    runs,
    complaints,
    async record(call, answer) {
      accept(call, answer);
      complaints.push(...tenantQueues.observe(call, answer));
      const id = runIn(call);
      const seen = id === undefined ? undefined : runs.get(id);
      if (id === undefined || !seen) return;
      await note(seen, call, answer);
      const run = stored.get(id)?.run;
      const known = versions.get(id) ?? [];
      if (run && known.at(-1)?.run !== run) versions.set(id, [...known, { at: now(), run }].slice(-VERSIONS));
    },
    before(id) {
      const known = versions.get(id) ?? [];
      return (known.findLast(({ at }) => at <= now() - STALE_MS) ?? known[0])?.run;
    },
    recordPoisoning({ args }) {
      const [{ payload }] = args as [{ payload: { run: string } }];
      const seen = runs.get(payload.run);
      if (seen) seen.poisonings += 1;
    },
    onWaiting: (listener) => void waiting.push(listener),
    onSettled: (listener) => void ended.push(listener),
  };
}
