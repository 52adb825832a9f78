// What must hold once nothing is under way any more, whatever happened on the way. Each rule answers with what breaks it.

import { MAX_CRASHES } from '../../lambdas/core/limits.ts';
import { isSettled, type NodeRecord, type Run } from '../../lambdas/core/run.ts';
import type { Scenario } from './callers.ts';
import { checkDeliveries } from './deliveries.ts';
import type { RecordedRun } from './recorder.ts';
import type { World } from './world.ts';

interface Ended {
  run: Run;
  seen: RecordedRun;
  records: ReadonlyMap<string, NodeRecord>;
  scenario: Scenario | undefined;
}

/** True, or how it is broken. */
type Rule = (world: World, ended: Ended) => string | boolean | undefined;

// The sweeper comes once a minute, and what it finds still takes its time.
const PUNCTUAL_MS = 90_000;
const BEFORE_DEADLINE_MS = 3 * 60_000;
// What a run may ask of the stores: for its nodes, for each lease, each fault, each message and each look at it.
const CALLS_BASE = 80;
const CALLS_PER_RECORD = 8;
const CALLS_PER_CLAIM = 30;
const CALLS_PER_FAULT = 40;
const WATCH_MS = 2_000;
const LONGEST_SLICE_MS = 15 * 60_000;

const listFaults = ({ seen }: Ended): string[] => [...seen.processes].flatMap(({ faults }) => faults);

const RULES: Record<string, Rule> = {
  'every accepted run settles, once': (_, { run, seen }) =>
    (!isSettled(run.status) || seen.settled.length !== 1) && `${run.status}, settled ${seen.settled.length} times`,

  'a run is canceled only when somebody asked, or when nobody waits for it any more': (world, { run, seen }) =>
    run.status === 'canceled' && !seen.cancelAsked && !(readParentEnd(world, run) <= (run.endedAt ?? 0)),

  'a run ends within 90 s of the run that waits for it, or so much later as faults held it up': (world, { run }) => {
    const parentEnd = readParentEnd(world, run);
    const lateMs = (run.endedAt ?? 0) - parentEnd;
    const held = world.faults.times.filter((at) => at >= parentEnd && at <= (run.endedAt ?? 0)).length;
    return lateMs > PUNCTUAL_MS * (1 + 2 * held) && `${Math.round(lateMs / 1_000)} s late, ${held} faults`;
  },

  'a run expires only after its deadline': (_, { run }) =>
    run.error?.code === 'run-expired' && run.error.node === null && (run.endedAt ?? 0) < run.deadlineAt,

  'a run is settled as crashed only after it crashed five workers': (_, { run, seen }) =>
    run.error?.code === 'run-crashed' &&
    run.error.node === null &&
    seen.claims.filter(({ isTakeover }) => isTakeover).length < MAX_CRASHES,

  'a lease is taken over only from a process that had a fault': (_, { seen }) => {
    const faultless = seen.claims.filter(({ isTakeover, epoch }) => {
      const before = seen.claims.find((it) => it.epoch === epoch - 1);
      return isTakeover && before?.by.faults.length === 0;
    });
    return faultless.length > 0 && `epoch ${faultless[0]?.epoch}`;
  },

  'a run fails only where a node of it failed': (world, ended) => {
    const { run } = ended;
    if (run.status !== 'failed' || isOfPlatform(run)) return undefined;
    return !isExpectedFailure(world, ended) && `${run.error?.code}: ${run.error?.message}`;
  },

  'a poisonous run ends as crashed, unless it is ended otherwise': (_, { run, scenario, seen }) =>
    scenario?.flow.isPoison && run.status === 'succeeded' && `${seen.claims.length} claims`,

  // A worker that had another fault, too, may have released its lease before the run crashed it.
  'a run that crashes its worker is tried five times at most': (_, ended) => {
    const otherwise = listFaults(ended).filter((it) => it !== 'poison').length;
    return ended.seen.poisonings > MAX_CRASHES + otherwise && `${ended.seen.poisonings} times`;
  },

  'a run is not settled as crashed because of its neighbors': (_, { run, scenario, seen }) =>
    run.error?.code === 'run-crashed' && !scenario?.flow.isPoison && countPoisonedBeside(seen) > 2,

  'a run that must fail does not succeed': (_, { run, scenario }) =>
    scenario?.flow.isDoomed && run.status === 'succeeded',

  'a run ends within 90 s of its deadline, or so much later as faults held it up': ({ faults }, { run }) => {
    const lateMs = (run.endedAt ?? 0) - run.deadlineAt;
    const since = run.deadlineAt - BEFORE_DEADLINE_MS;
    const held = faults.times.filter((at) => at >= since && at <= (run.endedAt ?? 0)).length;
    return lateMs > PUNCTUAL_MS * (1 + 2 * held) && `${Math.round(lateMs / 1_000)} s late, ${held} faults`;
  },

  'nothing is recorded after the end, but by a process that had a fault': (_, { seen }) =>
    seen.lateRecords.length > 0 && seen.lateRecords.join(', '),

  'a signal that was stored takes effect': (_, { seen, records }) => {
    const ignored = seen.signals.filter(({ path, at }) => {
      const record = records.get(path);
      return record?.error?.code === 'node-timed-out' && at < (record.endedAt ?? 0) - LONGEST_SLICE_MS;
    });
    return ignored.length > 0 && ignored.map(({ path }) => path).join(', ');
  },

  'what a run costs is bounded by what happened to it': (world, ended) => {
    const bound = allowedCalls(world, ended);
    return ended.seen.calls > bound && `${ended.seen.calls} calls, ${Math.round(bound)} allowed`;
  },
};

/** When the run ended that waits for this one; never, where none does. */
function readParentEnd({ bare }: World, { parent }: Run): number {
  const waiting = parent?.awaited ? bare.runs.runs.get(parent.run)?.run : undefined;
  return waiting?.endedAt ?? Number.POSITIVE_INFINITY;
}

/** How often its lease was taken over from a worker that another run had crashed. */
function countPoisonedBeside({ claims }: RecordedRun): number {
  return claims.filter(({ isTakeover, epoch }) => {
    const before = claims.find((it) => it.epoch === epoch - 1);
    return isTakeover && before?.by.faults.includes('poison');
  }).length;
}

function isOfPlatform({ error }: Run): boolean {
  return error?.node === null && (error.code === 'run-expired' || error.code === 'run-crashed');
}

function isExpectedFailure({ recorder, bare }: World, ended: Ended): boolean {
  const { run, scenario, records } = ended;
  const code = run.error?.code;
  if (scenario?.flow.isDoomed && code === 'node-failed') return true;
  const isUnanswered = [...records.values()].some((it) => it.type === 'callback' && it.error?.code === code);
  if (code === 'node-timed-out' && isUnanswered) return true;
  const children = [...recorder.runs.values()].filter(({ accepted }) => accepted.parent?.run === run.id);
  return children.some(({ accepted }) => {
    const child = bare.runs.runs.get(accepted.id)?.run;
    return child?.error?.code === code || (child?.status === 'canceled' && code === 'run-canceled');
  });
}

function allowedCalls({ faults }: World, ended: Ended): number {
  const { seen, records, run } = ended;
  const watchedMs = seen.claims.reduce((sum, { at }, index) => {
    const until = seen.claims[index + 1]?.at ?? run.endedAt ?? at;
    return sum + Math.min(until - at, LONGEST_SLICE_MS);
  }, 0);
  return (
    CALLS_BASE +
    CALLS_PER_RECORD * records.size +
    CALLS_PER_CLAIM * seen.claims.length +
    CALLS_PER_FAULT * (listFaults(ended).length + faults.times.length / 4) +
    (2 * watchedMs) / WATCH_MS
  );
}

async function checkTenants({ bare }: World, tenants: readonly string[]): Promise<string[]> {
  const complaints: string[] = [];
  for (const tenant of tenants) {
    const { running, queued, sync } = await bare.slots.occupancy(tenant);
    if (running.length + queued + sync.length > 0) {
      complaints.push(`no slot is left behind: ${tenant} has ${running.length}, ${queued} queued, ${sync.length} sync`);
    }
  }
  return complaints;
}

/** Runs of one request with one idempotency key: another only where the one before failed. */
function checkIdempotency({ recorder, bare }: World): string[] {
  const byKey = Map.groupBy(
    [...recorder.runs.values()].filter(({ idempotencyKey, accepted }) => idempotencyKey && !accepted.parent),
    ({ idempotencyKey }) => idempotencyKey,
  );
  return [...byKey].flatMap(([key, runs]) => {
    const others = runs.slice(0, -1).filter(({ accepted }) => bare.runs.runs.get(accepted.id)?.run.status !== 'failed');
    return others.length > 0 ? [`a key makes one run, unless it failed: ${key} has ${runs.length}`] : [];
  });
}

/** Runs of the same flow that succeeded have the same outputs, whatever faults they had. */
async function checkOutputs({ recorder, bare }: World): Promise<string[]> {
  const outputs = new Map<string, string>();
  const complaints: string[] = [];
  for (const { accepted } of recorder.runs.values()) {
    const record = await bare.runs.read(accepted.id);
    if (record?.run.status !== 'succeeded') continue;
    const text = JSON.stringify(record.outputs);
    const known = outputs.get(accepted.flow) ?? text;
    outputs.set(accepted.flow, known);
    if (known !== text)
      complaints.push(`runs of one flow have the same outputs: ${accepted.id} has ${text}, not ${known}`);
  }
  return complaints;
}

export async function checkInvariants(world: World, scenarios: readonly Scenario[]): Promise<string[]> {
  const complaints = [...world.recorder.complaints];
  for (const [id, seen] of world.recorder.runs) {
    const entry = world.bare.runs.runs.get(id);
    if (!entry) continue;
    const scenario = scenarios[Number(entry.run.metadata?.['errand'] ?? -1)];
    const ended: Ended = { ...entry, seen, scenario };
    for (const [rule, check] of Object.entries(RULES)) {
      const broken = check(world, ended);
      if (broken) complaints.push(`${rule}: ${id} ${broken === true ? '' : broken}`);
    }
    complaints.push(...(await checkDeliveries(world, entry.run)));
  }
  const tenants = [...new Set(scenarios.map(({ tenant }) => tenant.id))];
  const rest = [await checkTenants(world, tenants), checkIdempotency(world), await checkOutputs(world)];
  return [...complaints, ...rest.flat()];
}
