// Who uses the platform in a simulation: callers who start runs, repeat requests that failed, cancel, rerun and
// redeliver webhooks, and people who answer what they are asked.

import type { Caller } from '../../lambdas/core/access/caller.ts';
import { TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import { rerun } from '../../lambdas/core/api/rerun.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import { type Submission, submit } from '../../lambdas/core/api/submit.ts';
import { answerRun } from '../../lambdas/core/api/sync-response.ts';
import { redeliver } from '../../lambdas/core/deliver/redeliver.ts';
import { ApiError } from '../../lambdas/core/errors.ts';
import { API_TIMEOUT_SECONDS } from '../../lambdas/core/limits.ts';
import type { Tenant } from '../../lambdas/core/ports/catalog.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Run } from '../../lambdas/core/run.ts';
import type { DrawnFlow } from './flows.ts';
import { type ProcessEnd, spawn } from './process.ts';
import { BEHAVIORS } from './receivers.ts';
import type { World } from './world.ts';

/** What one caller is going to do. */
export interface Scenario {
  at: number;
  tenant: Tenant;
  flow: DrawnFlow;
  submission: Submission;
  cancelAfterMs: number | undefined;
  rerunFrom: 'start' | 'failed' | undefined;
  redeliverAfterMs: number | undefined;
  /** Whether somebody answers what the run asks, and how soon; `early`: before it is asked. */
  answerAfterMs: number | undefined;
  early: boolean;
}

const MINUTE_MS = 60_000;
const RETRY_MS = 5_000;
const MAX_CALLS = 4;
const TIMEOUTS = ['20s', '90s', '5m', '1h'];
const ANSWER_MS = 40 * MINUTE_MS;

export function drawScenario(
  world: World,
  { tenant, flow, n }: { tenant: Tenant; flow: DrawnFlow; n: number },
): Scenario {
  const { chance, timeline } = world;
  const maybe = <Value>(probability: number, draw: () => Value): Value | undefined =>
    chance.happens(probability) ? draw() : undefined;
  const at = chance.int(0, chance.pick([100, MINUTE_MS, 20 * MINUTE_MS]));
  const mode = chance.happens(0.25) ? 'sync' : 'async';
  const startAfter = mode === 'async' ? maybe(0.1, () => at + chance.int(0, 40 * MINUTE_MS)) : undefined;
  const timeout = maybe(0.2, () => chance.pick(TIMEOUTS));
  return {
    at,
    tenant,
    flow,
    submission: {
      flow: flow.name,
      inputs: {},
      mode,
      dialect: 'native',
      priority: chance.happens(0.3) ? chance.int(0, 9) : 0,
      webhooks: drawWebhooks(world),
      ...(timeout && { timeout }),
      ...(startAfter !== undefined && { startAfter: new Date(timeline.now() + startAfter).toISOString() }),
      ...(chance.happens(0.5) && { idempotencyKey: `key-${n}` }),
    },
    cancelAfterMs: maybe(0.1, () => chance.int(0, chance.pick([2_000, MINUTE_MS, 60 * MINUTE_MS]))),
    rerunFrom: maybe(0.1, () => chance.pick(['start', 'failed'] as const)),
    redeliverAfterMs: maybe(0.1, () => chance.int(0, 90 * MINUTE_MS)),
    answerAfterMs: maybe(0.85, () => chance.int(100, chance.pick([5_000, ANSWER_MS]))),
    early: chance.happens(0.1),
  };
}

function drawWebhooks({ chance, receivers }: World): object[] {
  return Array.from({ length: chance.pick([0, 0, 1, 1, 2, 3]) }, () => ({
    url: receivers.open(chance.happens(0.5) ? 'fine' : chance.pick(BEHAVIORS), chance.int(1, 8)),
    method: chance.pick(['POST', 'POST', 'PUT', 'GET']),
  }));
}

/** One call of the API; with `again` a caller whose call fails repeats it, a few times. */
async function callApi(world: World, again: boolean, call: (ports: Ports) => Promise<unknown>): Promise<ProcessEnd> {
  let end: ProcessEnd = 'failed';
  for (let attempt = 0; attempt < (again ? MAX_CALLS : 1) && end !== 'done'; attempt += 1) {
    if (attempt > 0) await world.timeline.sleep(world.chance.int(0, 2 * RETRY_MS));
    end = await spawn(world, { role: 'api', timeoutMs: API_TIMEOUT_SECONDS * 1_000 }, (ports) =>
      call(ports).catch((error: unknown) => {
        // A rejection is an answer, but for one that says to come again.
        if (!(error instanceof ApiError) || error.code === 'tenant-over-limit') throw error;
      }),
    );
  }
  return end;
}

const makeCaller = (tenant: Tenant): Caller => ({
  tenant,
  key: { id: 'k', tenant: tenant.id, dialect: 'native', scopes: ['run'], createdAt: 0 },
  origin: 'https://errand.example.com',
});

/** The answer to a sync call is read to its end, as its caller does. */
async function readAnswer(ports: Ports, run: Run, replayed: boolean): Promise<void> {
  const receivedAt = ports.clock.now();
  const reply = await answerRun(ports, { run, replayed, receivedAt, render: (it) => it.run.status });
  const { body, pending } = reply as { body?: { stream?: AsyncIterable<unknown> }; pending?: Promise<unknown> };
  if (body?.stream) for await (const _ of body.stream);
  await pending;
}

/** Starts the run of the scenario, and what its caller does with it. */
export async function play(world: World, scenario: Scenario): Promise<void> {
  const { timeline } = world;
  const { tenant, submission } = scenario;
  world.busy += 1;
  await timeline.sleep(scenario.at);
  await callApi(world, submission.idempotencyKey !== undefined, async (ports) => {
    const { run, replayed } = await submit(ports, makeCaller(tenant), submission);
    // What follows goes on beside the answer.
    follow(world, scenario, run);
    if (run.mode !== 'async') await readAnswer(ports, run, replayed);
  });
  world.busy -= 1;
}

const followed = new WeakMap<World, Set<string>>();

/** What the caller does with its run, once it has its id. */
function follow(world: World, scenario: Scenario, run: Run): void {
  const known = followed.get(world) ?? new Set<string>();
  followed.set(world, known);
  if (known.has(run.id)) return;
  known.add(run.id);
  const { tenant, flow, cancelAfterMs, early } = scenario;
  if (cancelAfterMs !== undefined) {
    later(world, cancelAfterMs, () => callApi(world, true, (ports) => cancelRun(ports, makeCaller(tenant), run.id)));
  }
  const [path] = flow.asks;
  if (early && path !== undefined) later(world, 0, () => answer(world, run.id, path));
}

function later(world: World, ms: number, act: () => Promise<unknown>): void {
  world.busy += 1;
  world.timeline.after(ms, () => {
    void act().then(() => {
      world.busy -= 1;
    });
  });
}

function answer(world: World, runId: string, path: string): Promise<unknown> {
  return callApi(world, true, (ports) => signalRun(ports, TOKEN_HOLDER, { runId, path, payload: { v: path } }));
}

/** People answer what they are asked; a run that ended is repeated, or its webhook redelivered, where its caller wants that. */
export function answerAndRepeat(world: World, findScenario: (run: Run) => Scenario | undefined): void {
  const { recorder, chance } = world;
  const asked = new Set<string>();
  recorder.onWaiting((run, { path, wait }) => {
    const delay = findScenario(run)?.answerAfterMs;
    if (wait?.kind !== 'callback' || delay === undefined || asked.has(`${run.id} ${path}`)) return;
    asked.add(`${run.id} ${path}`);
    later(world, delay, () => answer(world, run.id, path));
    // Some do so twice.
    if (chance.happens(0.1)) later(world, delay, () => answer(world, run.id, path));
  });
  recorder.onSettled((run) => {
    const { rerunFrom, redeliverAfterMs, tenant } = findScenario(run) ?? {};
    if (!tenant || run.rerunOf) return;
    if (rerunFrom) {
      later(world, RETRY_MS, () =>
        callApi(world, false, (ports) => rerun(ports, makeCaller(tenant), run.id, { from: rerunFrom })),
      );
    }
    if (redeliverAfterMs !== undefined && run.webhookCount > 0) {
      later(world, redeliverAfterMs, () =>
        callApi(world, false, (ports) => redeliver(ports, makeCaller(tenant), { run: run.id, n: 1 })),
      );
    }
  });
}
