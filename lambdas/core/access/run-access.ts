// The one place that decides whether somebody may touch a run or a flow: a key reaches its tenant's flows and runs, or only
// those of the flow that it is bound to. Calls of the API, and the functions of the core behind them, ask here.

import { ApiError } from '../errors.ts';
import type { Plan } from '../flow/plan.ts';
import type { Key } from '../ports/catalog.ts';
import type { Ports } from '../ports/ports.ts';
import type { RunStore } from '../ports/runs.ts';
import type { Run, RunRecord } from '../run.ts';
import { isRunId } from '../run-id.ts';
import type { Caller } from './caller.ts';

/** The platform itself: for a run of this tenant, whatever its flow, or for whoever has proved a right to one run. */
export interface PlatformActor {
  platform: true;
  tenant?: string;
}

/** Who asks: somebody with a key, or the platform. */
export type Actor = Pick<Caller, 'key' | 'tenant'> | PlatformActor;

/** The platform, acting for a run of the tenant. */
export const actForTenant = (tenant: string): PlatformActor => ({ platform: true, tenant });

/** The platform, acting for somebody whose unguessable token names the run. */
export const TOKEN_HOLDER: PlatformActor = { platform: true };

type Keyed = { key: Pick<Key, 'flow'> };

export const canUseFlow = ({ key }: Keyed, flow: string): boolean => key.flow === undefined || key.flow === flow;

export function requireFlow(caller: Keyed, flow: string): void {
  if (!canUseFlow(caller, flow)) throw new ApiError('forbidden', `The key is bound to the flow '${caller.key.flow}'`);
}

/** What concerns the whole tenant is not for a key that is bound to one flow, or it could free itself. */
export function requireUnbound({ key }: Keyed): void {
  if (key.flow === undefined) return;
  throw new ApiError('forbidden', `The key is bound to the flow '${key.flow}', and this concerns the whole tenant`);
}

export function canAccess(actor: Actor, run: Run): boolean {
  if ('platform' in actor) return actor.tenant === undefined || actor.tenant === run.tenant;
  return run.tenant === actor.tenant.id && canUseFlow(actor, run.flow);
}

type Runs<Method extends keyof RunStore> = { runs: Pick<RunStore, Method> };

async function findRun({ runs }: Runs<'get'>, actor: Actor, id: string): Promise<Run | undefined> {
  const run = isRunId(id) ? await runs.get(id) : undefined;
  return run && canAccess(actor, run) ? run : undefined;
}

export async function requireRun(ports: Runs<'get'>, actor: Actor, id: string): Promise<Run> {
  return (await findRun(ports, actor, id)) ?? refuse(id);
}

/** Undefined where there is no such run for the actor. */
export async function findRecord({ runs }: Runs<'read'>, actor: Actor, id: string): Promise<RunRecord | undefined> {
  const record = isRunId(id) ? await runs.read(id) : undefined;
  return record && canAccess(actor, record.run) ? record : undefined;
}

export async function requireRecord(ports: Runs<'read'>, actor: Actor, id: string): Promise<RunRecord> {
  return (await findRecord(ports, actor, id)) ?? refuse(id);
}

/** Somebody else's run is reported like one that does not exist. */
function refuse(id: string): never {
  throw new ApiError('run-not-found', `There is no run '${id}'`);
}

export async function pinnedPlan(ports: Pick<Ports, 'flows'>, { tenant, flow, digest }: Run): Promise<Plan> {
  const plan = await ports.flows.plan(tenant, flow, digest);
  if (!plan) throw new ApiError('not-found', 'The definition of this run has expired');
  return plan;
}
