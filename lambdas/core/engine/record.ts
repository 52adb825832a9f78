// Records of units: written only under a lease that is surely held, and read back as the state the graph goes on from.

import type { PlanNode } from '../flow/plan.ts';
import { NO_USAGE, type NodeRecord, type Usage } from '../run.ts';
import { REUSED_EPOCH } from '../runs/reuse.ts';
import type { NodeState, Slice, Unit } from './slice.ts';

/** `current` is what is stored now: another slice may have been first. `lost`: the lease is. */
export type Recorded = { kind: 'recorded'; current: NodeRecord } | { kind: 'lost' };

export async function record(slice: Slice, entry: Omit<NodeRecord, 'epoch' | 'seq'>): Promise<Recorded> {
  if (!(await slice.ensureLease())) return { kind: 'lost' };
  const current = await slice.ports.runs.recordNode(slice.run, {
    ...entry,
    epoch: slice.run.epoch,
    seq: slice.sequence.next(),
  });
  // Somebody else has the run now.
  if (current.epoch > slice.run.epoch) return { kind: 'lost' };
  slice.records.set(entry.path, current);
  return { kind: 'recorded', current };
}

export function endedState(ended: NodeRecord, node: PlanNode): NodeState {
  const output = ended.output ?? null;
  if (ended.status === 'succeeded') return { status: 'succeeded', output, ...(ended.port && { port: ended.port }) };
  const status = node.onError !== 'fail' && ended.handled ? 'handled' : 'failed';
  return { status, output, error: ended.error };
}

/** What the attempts of a unit have used so far, with what this one has. */
export function usageWith({ records }: Slice, { path }: Unit, usage: Usage | undefined): Usage | undefined {
  const before = records.get(path)?.usage;
  if (before === undefined || usage === undefined) return usage ?? before;
  const sum = { ...before, ...usage };
  for (const field of ['totalTokens', 'costMicros', 'steps', 'inputTokens', 'outputTokens'] as const) {
    if (sum[field] !== undefined) sum[field] = (before[field] ?? 0) + (usage[field] ?? 0);
  }
  return sum;
}

/** Of this run alone: what it reuses was counted with the run before. */
export function sumUsage(records: Iterable<NodeRecord>): { usage: Usage; handledErrors: number } {
  const usage = { ...NO_USAGE };
  let handledErrors = 0;
  for (const it of records) {
    if (it.epoch === REUSED_EPOCH) continue;
    if (it.status !== 'waiting') usage.steps += 1;
    usage.totalTokens += it.usage?.totalTokens ?? 0;
    usage.costMicros += it.usage?.costMicros ?? 0;
    if (it.handled) handledErrors += 1;
  }
  return { usage, handledErrors };
}
