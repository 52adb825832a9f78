// All dialects over a platform in memory, for tests of one vendor's answers: flows, a key of the vendor, calls as its client
// makes them, and a worker that works on request.

import type { NewKey } from '../../lambdas/core/access/keys.ts';
import { advanceRun } from '../../lambdas/core/advance.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { workRun } from '../../lambdas/core/work.ts';
import type { ApiAnswer, ApiCall } from './api-event.ts';
import { type Holder, makeWholeApi, type WholeApi } from './whole-api.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as the vendor's clients read them
export type Answer = any;

export interface DialectApi extends Omit<WholeApi, 'call'> {
  holder: Holder;
  /** With the key of the vendor. */
  call(call: ApiCall, auth?: string): Promise<ApiAnswer>;
  callAs(holder: Holder | undefined, call: ApiCall): Promise<ApiAnswer>;
  /** Runs what was enqueued, until nothing is. */
  work(): Promise<void>;
  /** Runs the next slice of a run that waited for somebody who has answered. */
  resume(runId: string): Promise<void>;
}

const SLICE_MS = 90_000;
const LONG_SLICE_MS = 13 * 60_000;

export async function makeDialectApi(
  { flows, ...key }: Omit<NewKey, 'tenant'> & { flows: readonly string[] },
  overrides: Partial<Ports> = {},
): Promise<DialectApi> {
  const whole = await makeWholeApi(overrides);
  for (const source of flows) await whole.publish(source);
  const holder = await whole.issue('acme', key);
  const { ports, queues } = whole;
  return {
    ...whole,
    holder,
    call: (call, auth) => whole.call(call, holder, auth),
    callAs: (other, call) => whole.call(call, other),
    async work() {
      for (let next = queues.runs.shift(); next; next = queues.runs.shift()) {
        await workRun(ports, { runId: next.runId, budgetUntil: ports.clock.now() + SLICE_MS });
      }
    },
    async resume(runId) {
      const { handoffs: handoff = 0 } = (await ports.runs.get(runId)) ?? {};
      const { next } = await advanceRun(ports, { runId, handoff, budgetUntil: ports.clock.now() + LONG_SLICE_MS });
      if (next !== 'done') throw new Error(`The run does not end: ${next}`);
    },
  };
}

/** The objects in the `data:` lines of a stream. */
export const readData = (stream: string): Answer[] =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => JSON.parse(line.slice('data:'.length)));
