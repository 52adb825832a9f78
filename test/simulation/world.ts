// One world: the stores that pass the contracts of the real ones, and around them queues, the machine, the sweeper's
// schedule and the receivers, all under one clock and one chance.

import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import { deliver } from '../../lambdas/core/deliver/deliver.ts';
import { WEBHOOK_SHAPES } from '../../lambdas/core/dialects/webhook-shapes.ts';
import * as limits from '../../lambdas/core/limits.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Due, Queues, RunStore } from '../../lambdas/core/ports/runs.ts';
import { sweep } from '../../lambdas/core/sweep.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { makeMemoryFileStore } from '../support/memory-file-store.ts';
import { makeMemoryFlowStore } from '../support/memory-flow-store.ts';
import { makeMemoryPluginStore } from '../support/memory-plugin-store.ts';
import { type MemoryRunStore, makeMemoryRunStore } from '../support/memory-run-store.ts';
import { type MemorySlots, makeMemorySlots } from '../support/memory-slots.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';
import { type Chance, makeChance } from './chance.ts';
import { makeExecutions } from './executions.ts';
import { type CallFault, type Faults, makeFaults } from './faults.ts';
import { makeWork } from './flows.ts';
import { type History, makeHistory } from './history.ts';
import { type Call, type Process, spawn } from './process.ts';
import { makeQueue } from './queues.ts';
import { makeReceivers, type Receivers } from './receivers.ts';
import { makeRecorder, type Recorder, runIn } from './recorder.ts';
import { makeTimeline, type Timeline } from './timeline.ts';

export interface World {
  chance: Chance;
  timeline: Timeline;
  history: History;
  faults: Faults;
  recorder: Recorder;
  receivers: Receivers;
  /** As they are, with no process around them. */
  bare: Ports & { runs: MemoryRunStore };
  /** What is still under way: processes, messages, executions, callers. */
  busy: number;
  spawned: number;
  deadLetters: number;
  sweeps: number;
  metrics: Map<string, number>;
  /** Lets the call take effect, and records it. */
  apply(call: Call, effect: () => unknown, fault: CallFault | undefined): Promise<unknown>;
}

/** A change of the platform that the simulation must notice. */
export type Sabotage = (bare: { runs: MemoryRunStore; slots: MemorySlots }) => void;

const START_AT = Date.parse('2026-01-02T03:04:05.000Z');
const PERIOD_MS = limits.SWEEP_PERIOD_SECONDS * 1_000;
// As lambdas/sweep.ts has it: over before the next one begins.
const SWEEP_MS = PERIOD_MS - 15_000;

export interface WorldOptions {
  print?: (line: string) => void;
  sabotage?: Sabotage;
  /** The only fault that calls have, and often. */
  only?: CallFault;
}

export function makeWorld(seed: number, options: WorldOptions = {}): World {
  const chance = makeChance(seed * 2 + 1);
  const timeline = makeTimeline(chance, START_AT);
  const faults = makeFaults(makeChance(seed * 2), { now: timeline.now, startAt: START_AT, only: options.only });
  const history = makeHistory({ startAt: START_AT, print: options.print });
  const runs = makeMemoryRunStore();
  const slots = makeMemorySlots();
  options.sabotage?.({ runs, slots });
  const recorder = makeRecorder({ runs: runs.runs, slots, now: timeline.now });
  const tallies = { busy: 0, spawned: 0, deadLetters: 0, sweeps: 0, metrics: new Map<string, number>() };
  const world = { chance, timeline, history, faults, recorder, ...tallies } as World;
  world.receivers = makeReceivers(world);
  world.bare = buildPorts(world, { runs, slots });
  world.apply = async (call, effect, fault) => {
    const answer = fault === 'stale' ? await stale(world, call, effect) : await effect();
    await recorder.record(call, answer);
    history.note(timeline.now(), describeCall(call, answer));
    return answer;
  };
  return world;
}

function makeQueues(world: World): Queues {
  const work = makeQueue<{ runId: string }>(world, {
    role: 'work',
    timeoutMs: limits.WORK_TIMEOUT_SECONDS * 1_000,
    visibilityMs: limits.WORK_VISIBILITY_SECONDS * 1_000,
    batchSize: limits.WORK_BATCH_SIZE,
    maxConcurrency: limits.WORK_MAX_CONCURRENCY,
    handle: (ports, { runId }) =>
      workRun(ports, { runId, budgetUntil: ports.clock.now() + limits.WORK_SLICE_SECONDS * 1_000 }),
  });
  const deliveries = makeQueue<{ run: string; n: number }>(world, {
    role: 'deliver',
    timeoutMs: limits.DELIVER_TIMEOUT_SECONDS * 1_000,
    visibilityMs: 6 * limits.DELIVER_TIMEOUT_SECONDS * 1_000,
    batchSize: limits.DELIVER_BATCH_SIZE,
    maxConcurrency: limits.DELIVER_MAX_CONCURRENCY,
    handle: (ports, message) => deliver(ports, message, WEBHOOK_SHAPES),
  });
  return {
    enqueueRuns: async (messages) => {
      for (const { runId, delaySeconds } of messages) work.send({ runId }, delaySeconds);
    },
    enqueueDeliveries: async (messages) => {
      for (const { run, n, delaySeconds } of messages) deliveries.send({ run, n }, delaySeconds);
    },
  };
}

function buildPorts(world: World, { runs, slots }: { runs: MemoryRunStore; slots: MemorySlots }): World['bare'] {
  const silent = () => undefined;
  const { due } = runs;
  const refuse = () => Promise.reject(new Error('not in a simulation'));
  return {
    clock: { now: world.timeline.now, sleep: world.timeline.sleep },
    ids: { run: () => '', token: () => '', random: world.chance.random },
    // One index holds both.
    runs: Object.assign(runs, {
      due: async (now: number, limit: number) => [...(await due(now, limit)), ...slots.due(now)].slice(0, limit),
    }),
    slots,
    queues: makeQueues(world),
    machine: makeExecutions(world),
    flows: makeMemoryFlowStore(),
    tenants: makeMemoryTenantStore(),
    caches: makeCaches(),
    plugins: makeMemoryPluginStore(),
    files: makeMemoryFileStore(),
    documents: { read: refuse },
    jinja: { render: refuse },
    knowledge: { sources: [], retrieve: refuse },
    keyring: makeKeyring(async () => 'a'.repeat(64)),
    http: world.receivers.http,
    functions: makeWork(world),
    code: { run: refuse },
    models: {},
    log: {
      info: silent,
      warn: silent,
      error: silent,
      metric: (name) => world.metrics.set(name, (world.metrics.get(name) ?? 0) + 1),
    },
  };
}

/** An eventually consistent read: a run as it was, an index that does not hold everything yet. */
async function stale({ recorder, chance }: World, call: Call, effect: () => unknown): Promise<unknown> {
  const fresh = await effect();
  const method = call.method as keyof RunStore;
  if (method === 'glance') return recorder.before(String(call.args[0])) ?? fresh;
  if (method === 'due') return (fresh as Due[]).filter(() => chance.happens(0.5));
  return fresh;
}

/** Begins the sweeper's schedule; it ends once nothing is under way and nothing is due at any time. */
export function startSweeper(world: World, isOn: boolean): { isOver(): boolean } {
  const { timeline, chance, faults, bare } = world;
  let isOver = false;
  async function tick(): Promise<void> {
    const [ever] = world.busy > 0 ? [undefined] : [await bare.runs.due(Number.POSITIVE_INFINITY, 1)];
    isOver = ever?.length === 0;
    timeline.after(PERIOD_MS, () => void tick());
    const [due] = await bare.runs.due(timeline.now(), 1);
    // With nothing due a sweep is one read: it is not acted out.
    if (!isOn || !due || faults.happens('sweep skipped')) return;
    world.sweeps += 1;
    await spawn(world, { role: 'sweep', timeoutMs: PERIOD_MS }, (ports: Ports, _: Process) =>
      sweep(ports, { untilMs: timeline.now() + SWEEP_MS }),
    );
  }
  timeline.after(chance.int(0, PERIOD_MS), () => void tick());
  return { isOver: () => isOver };
}

/** A call and its result, for people who replay a seed. */
function describeCall(call: Call, answer: unknown): string {
  const { process, port, method, args } = call;
  const id = runIn(call)?.slice(-4) ?? '';
  const detail = typeof args[1] === 'object' ? brief(args[1]) : '';
  return `${process.name} ${port}.${method} ${id} ${detail} → ${brief(answer)}`;
}

function brief(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return JSON.stringify(value).slice(0, 80);
  const { kind, run, status, path, epoch, leaseUntil, crashes } = value as Record<string, unknown>;
  const known = { kind, status, path, epoch, leaseUntil: leaseUntil ? 'held' : undefined, crashes };
  const words = Object.entries(known).flatMap(([name, it]) => (it === undefined ? [] : `${name} ${String(it)}`));
  return `${words.join(', ')}${typeof run === 'object' ? ` (${brief(run)})` : ''}`;
}
