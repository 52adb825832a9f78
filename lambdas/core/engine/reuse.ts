// A rerun from the failed node begins with what the run before had already achieved.

import type { Ports } from '../ports.ts';
import type { NodeRecord, Run } from '../run.ts';

// A rerun of a rerun of a rerun: enough for anybody, and a bound on reads.
const MAX_CHAIN = 10;

/** Units that succeeded in the runs this one was rerun from, nearest run last so that it wins. */
export async function reusedRecords(ports: Ports, run: Run): Promise<NodeRecord[]> {
  const chain: NodeRecord[][] = [];
  let origin = run.rerunOf;
  for (let depth = 0; origin?.from === 'failed' && depth < MAX_CHAIN; depth += 1) {
    const [before, loaded] = await Promise.all([ports.runs.get(origin.run), ports.runs.load(origin.run)]);
    chain.unshift(loaded.records.filter((record) => record.status === 'succeeded'));
    origin = before?.rerunOf;
  }
  return chain.flat();
}
