// A rerun from where its run failed, or from a node, begins with what the run before had already achieved.

import type { PlanNode } from '../flow/plan.ts';
import { MAX_RERUN_CHAIN } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { NodeRecord, Run } from '../run.ts';

/** Epoch of records that a rerun has from the run before: no slice of its own has it. */
export const REUSED_EPOCH = 0;

/**
 * Units of the runs that this one was rerun from, nearest run last so that it wins: what succeeded and, from a node, what
 * failed and was handled, but nothing that depends on that node. Only of the definition that this run has.
 */
export async function reusedRecords(ports: Ports, run: Run): Promise<NodeRecord[]> {
  const chain: NodeRecord[][] = [];
  const again = new Set<string>();
  let takesHandled = true;
  let origin = run.rerunOf;
  for (let depth = 0; origin && origin.from !== 'start' && depth < MAX_RERUN_CHAIN; depth += 1) {
    const before = await ports.runs.get(origin.run);
    // Kept no longer than others: what is gone is run again.
    if (before === undefined || before.digest !== run.digest) break;
    if (origin.from === 'failed') takesHandled = false;
    else for (const id of listDependents(await readNodes(ports, run), origin.from)) again.add(id);
    const { records } = await ports.runs.load(before.id);
    const isKept = ({ status, handled }: NodeRecord) =>
      status === 'succeeded' || (takesHandled && status === 'failed' && handled === true);
    chain.unshift(records.filter((record) => isKept(record) && !again.has(readNode(record))));
    origin = before.rerunOf;
  }
  return chain.flat().map((record) => ({ ...record, epoch: REUSED_EPOCH }));
}

/** The node of the run that a unit belongs to: `pages` of `pages[00002].text`. */
const readNode = ({ path }: NodeRecord): string => /^\w+/.exec(path)?.[0] ?? path;

const readNodes = async ({ flows }: Ports, { tenant, flow, digest }: Run): Promise<readonly PlanNode[]> =>
  (await flows.plan(tenant, flow, digest))?.nodes ?? [];

/** The node, and every node that waits for it, at once or through others. */
export function listDependents(nodes: readonly PlanNode[], id: string): Set<string> {
  const found = new Set([id]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { id: other, waitsFor, needs } of nodes) {
      if ([...waitsFor, ...needs.map(({ node }) => node)].some((it) => found.has(it))) found.add(other);
    }
  }
  return found;
}

/** Every unit of the run that has ended or waits, with what it has from the run before. */
export async function loadRecords(ports: Ports, run: Run): Promise<NodeRecord[]> {
  const [reused, { records }] = await Promise.all([reusedRecords(ports, run), ports.runs.load(run.id)]);
  return [...new Map([...reused, ...records].map((record) => [record.path, record])).values()];
}
