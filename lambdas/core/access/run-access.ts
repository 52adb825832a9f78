// What a key can reach: its tenant's flows and runs, or only those of the flow that it is bound to.

import { ApiError } from '../errors.ts';
import type { Plan } from '../flow/plan.ts';
import type { Ports } from '../ports/ports.ts';
import type { Run, RunRecord } from '../run.ts';
import { isRunId } from '../run-id.ts';
import type { Caller } from './caller.ts';

export function requireFlow({ key }: Caller, flow: string): void {
  if (key.flow === undefined || key.flow === flow) return;
  throw new ApiError('forbidden', `The key is bound to the flow '${key.flow}'`);
}

export function canAccess({ key, tenant }: Caller, run: Run): boolean {
  return run.tenant === tenant.id && (key.flow ?? run.flow) === run.flow;
}

/** Somebody else's run is told like one that does not exist. */
function own<Found extends Run | undefined>(caller: Caller, id: string, run: Found): NonNullable<Found> {
  if (run && canAccess(caller, run)) return run;
  throw new ApiError('run-not-found', `There is no run '${id}'`);
}

export async function requireRun(ports: Ports, caller: Caller, id: string): Promise<Run> {
  return own(caller, id, isRunId(id) ? await ports.runs.get(id) : undefined);
}

export async function requireRecord(ports: Ports, caller: Caller, id: string): Promise<RunRecord> {
  const record = isRunId(id) ? await ports.runs.read(id) : undefined;
  own(caller, id, record?.run);
  return record as RunRecord;
}

export async function pinnedPlan(ports: Ports, { tenant, flow, digest }: Run): Promise<Plan> {
  const plan = await ports.flows.plan(tenant, flow, digest);
  if (!plan) throw new ApiError('not-found', 'The definition of this run has expired');
  return plan;
}
