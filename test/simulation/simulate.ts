// One seed: a world, its callers, everything that happens until nothing is left to do, and then every rule is checked.

import { makeTenant } from '../../lambdas/core/access/tenants.ts';
import { answerAndRepeat, drawScenario, play, type Scenario } from './callers.ts';
import { makeChance } from './chance.ts';
import { CHILD, drawFlow, flowNamed, publishFlow } from './flows.ts';
import { checkInvariants } from './invariants.ts';
import { makeWorld, startSweeper, type World, type WorldOptions } from './world.ts';

export interface Simulation {
  seed: number;
  /** What broke a rule; none when all is well. */
  complaints: string[];
  /** Of everything that happened. */
  hash: string;
  steps: number;
  world: World;
  scenarios: Scenario[];
}

export interface SimulationOptions extends WorldOptions {
  /** Without a sweeper nothing is repaired. */
  isSwept?: boolean;
}

// A run may take a day, and its webhooks another.
const HORIZON_MS = 80 * 60 * 60_000;

async function drawScenarios(world: World, seed: number): Promise<Scenario[]> {
  const chance = makeChance(-seed - 1);
  const now = world.timeline.now();
  const tenants = Array.from({ length: chance.int(1, 3) }, (_, n) => {
    const limits = { concurrency: chance.int(1, 4), queued: 1_000, sync: chance.int(1, 3) };
    return { ...makeTenant(`tenant-${n}`, now), limits };
  });
  const flows = await Promise.all(Array.from({ length: chance.int(1, 4) }, () => drawFlow(chance)));
  for (const tenant of tenants) {
    await world.bare.tenants.putTenant(tenant);
    for (const flow of [await flowNamed(CHILD), ...flows]) await publishFlow(world.bare.flows, tenant.id, flow);
  }
  const drawing = { ...world, chance };
  return Array.from({ length: chance.int(1, 12) }, (_, n) => {
    const scenario = drawScenario(drawing, { tenant: chance.pick(tenants), flow: chance.pick(flows), n });
    return { ...scenario, submission: { ...scenario.submission, metadata: { errand: n } } };
  });
}

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Simulation> {
  const { isSwept = true } = options;
  const world = makeWorld(seed, options);
  const { timeline, history } = world;
  const realNow = Date.now;
  // Expressions measure their time by the real clock, which has no part in this.
  Date.now = timeline.now;
  try {
    const scenarios = await drawScenarios(world, seed);
    answerAndRepeat(world, (run) => scenarios[Number(run.metadata?.['errand'] ?? -1)]);
    for (const scenario of scenarios) void play(world, scenario);
    const sweeper = startSweeper(world, isSwept);
    await timeline.run(timeline.now() + HORIZON_MS, sweeper.isOver);
    const complaints = await checkInvariants(world, scenarios);
    return { seed, complaints, hash: history.hash(), steps: history.steps(), world, scenarios };
  } finally {
    Date.now = realNow;
  }
}
