// Records of units: written only under a lease that is surely held, and read back as the state the graph goes on from.

import type { PlanNode } from '../flow/plan.ts';
import { NO_USAGE, type NodeRecord, type Usage } from '../run.ts';
import type { NodeState, Slice } from './slice.ts';

/** Writes the record; answers with the one that stands (another slice may have been first), undefined without a lease. */
export async function record(slice: Slice, entry: Omit<NodeRecord, 'epoch' | 'seq'>): Promise<NodeRecord | undefined> {
  if (!(await slice.hold())) return undefined;
  const stands = await slice.ports.runs.recordNode(slice.run, {
    ...entry,
    epoch: slice.run.epoch,
    seq: slice.sequence.next(),
  });
  slice.records.set(entry.path, stands);
  return stands;
}

export function endedState(ended: NodeRecord, node: PlanNode): NodeState {
  const output = ended.output ?? null;
  if (ended.status === 'succeeded') return { status: 'succeeded', output, ...(ended.port && { port: ended.port }) };
  const status = node.onError === 'fail' ? 'failed' : 'handled';
  return { status, output, ...(ended.error && { error: ended.error }) };
}

export function sumUsage(records: Iterable<NodeRecord>): { usage: Usage; handledErrors: number } {
  const usage = { ...NO_USAGE };
  let handledErrors = 0;
  for (const it of records) {
    if (it.status !== 'waiting') usage.steps += 1;
    usage.totalTokens += it.usage?.totalTokens ?? 0;
    usage.costMicros += it.usage?.costMicros ?? 0;
    if (it.handled) handledErrors += 1;
  }
  return { usage, handledErrors };
}
