// Who may start a run of a flow, in which mode, and whether there is room for it. What is wrong with the request itself
// belongs to submit.ts.

import type { Caller } from '../access/caller.ts';
import { requireFlow } from '../access/run-access.ts';
import { ApiError } from '../errors.ts';
import type { Plan, Support } from '../flow/plan.ts';
import type { Tenant } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import type { RunMode } from '../run.ts';
import type { Submission } from './submit.ts';

/** What needs no look at the flow. */
export function checkCaller(caller: Caller, { flow, mode, startAfter }: Submission): void {
  const { tenant } = caller;
  requireFlow(caller, flow);
  if (mode === 'async' && !tenant.entitlements.async) throw new ApiError('async-not-entitled');
  if (mode !== 'async' && startAfter !== undefined) {
    throw new ApiError('invalid-request', '`startAfter` is for asynchronous runs', {
      details: [{ field: 'startAfter', message: 'is for asynchronous runs: set mode to async' }],
    });
  }
}

/** What the flow itself allows. */
export function checkMode(
  mode: RunMode,
  { flow, plan }: { flow: { async: Support; sync: Support }; plan: Plan },
): void {
  const only = plan.settings.mode;
  if (only !== 'any' && (only === 'async') !== (mode === 'async')) {
    throw new ApiError(
      `${only === 'async' ? 'sync' : 'async'}-unsupported`,
      `Flow '${plan.name}' runs in mode ${only} only (settings.mode)`,
    );
  }
  const support = mode === 'async' ? flow.async : flow.sync;
  // What blocks a sync call only makes it long: it answers 202 and goes on. An async run has nobody to ask.
  if (mode !== 'async' || support.supported) return;
  const details = support.blockers.map(({ node, line, message }) => ({ field: `nodes.${node}`, line, message }));
  throw new ApiError(
    'async-unsupported',
    `Flow '${plan.name}' cannot run asynchronously: ${details[0]?.message ?? ''}`,
    { details },
  );
}

export async function checkRoom(ports: Ports, tenant: Tenant): Promise<void> {
  const { queued } = await ports.slots.occupancy(tenant.id);
  if (queued < tenant.limits.queued) return;
  const message = `${queued} runs of this tenant are queued already, the most it may have: try again later`;
  throw new ApiError('tenant-over-limit', message, { retryAfterSeconds: 30 });
}
