// A rerun from the failed node begins with what the run before had already achieved.

import { MAX_RERUN_CHAIN } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { NodeRecord, Run } from '../run.ts';

/** Epoch of records that a rerun has from the run before: no slice of its own has it. */
export const REUSED_EPOCH = 0;

/** Units that succeeded in the runs this one was rerun from, nearest run last so that it wins. */
export async function reusedRecords(ports: Ports, run: Run): Promise<NodeRecord[]> {
  const chain: NodeRecord[][] = [];
  let origin = run.rerunOf;
  for (let depth = 0; origin?.from === 'failed' && depth < MAX_RERUN_CHAIN; depth += 1) {
    const before = await ports.runs.get(origin.run);
    // Kept no longer than others: what is gone is run again.
    if (before === undefined) break;
    const { records } = await ports.runs.load(before.id);
    chain.unshift(records.filter((record) => record.status === 'succeeded'));
    origin = before.rerunOf;
  }
  return chain.flat().map((record) => ({ ...record, epoch: REUSED_EPOCH }));
}

/** Every unit of the run that has ended or waits, with what it has from the run before. */
export async function loadRecords(ports: Ports, run: Run): Promise<NodeRecord[]> {
  const [reused, { records }] = await Promise.all([reusedRecords(ports, run), ports.runs.load(run.id)]);
  return [...new Map([...reused, ...records].map((record) => [record.path, record])).values()];
}
