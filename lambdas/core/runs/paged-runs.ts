// Lists by page number and with a total, for dialects whose clients page like that. Totals are exact up to a ceiling.

import { EXACT_TOTAL_MAX, LIST_PAGE_MAX } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';
import type { RunQuery } from '../ports/runs.ts';
import type { Run } from '../run.ts';

export interface NumberedPage {
  runs: Run[];
  /** At most EXACT_TOTAL_MAX. */
  total: number;
}

/** Page `number`, counted from 1, of `size` runs. It walks all runs that fit: callers with many use cursors. */
export async function pageOfRuns(
  { runs: store }: Pick<Ports, 'runs'>,
  query: Omit<RunQuery, 'limit' | 'cursor'>,
  { number, size }: { number: number; size: number },
): Promise<NumberedPage> {
  const first = (number - 1) * size;
  const runs: Run[] = [];
  let total = 0;
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...query, limit: LIST_PAGE_MAX, cursor });
    for (const run of page.runs) {
      if (total >= first && runs.length < size) runs.push(run);
      total += 1;
    }
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && total < EXACT_TOTAL_MAX);
  return { runs, total: Math.min(total, EXACT_TOTAL_MAX) };
}
