// What many seeds came to: how much was put to the test, and how much of what was thrown at it.

import type { Simulation } from './simulate.ts';

export interface Summary {
  add(simulation: Simulation): void;
  failed(): number;
  /** How often each thing happened, by name. */
  totals(): ReadonlyMap<string, number>;
  text(): string;
}

export function makeSummary(): Summary {
  const totals = new Map<string, number>();
  const faults = new Map<string, number>();
  const failedSeeds: number[] = [];
  const beganAt = performance.now();
  const count = (into: Map<string, number>, name: string, by = 1) => into.set(name, (into.get(name) ?? 0) + by);

  function countRuns({ world }: Simulation): void {
    const { recorder, bare } = world;
    for (const { run } of bare.runs.runs.values()) {
      count(totals, 'runs');
      const code = run.error === undefined || run.error.node !== null ? '' : ` ${run.error.code}`;
      count(totals, `runs ${run.status}${code}`);
      count(totals, 'webhooks', run.webhookCount);
    }
    for (const { claims } of recorder.runs.values()) count(totals, 'leases', claims.length);
    for (const { claims } of recorder.runs.values()) {
      count(totals, 'leases taken over', claims.filter(({ isTakeover }) => isTakeover).length);
    }
  }

  return {
    add(simulation) {
      const { world, complaints, seed, steps } = simulation;
      if (complaints.length > 0) failedSeeds.push(seed);
      count(totals, 'seeds');
      count(totals, 'steps', steps);
      count(totals, 'sweeps', world.sweeps);
      count(totals, 'processes', world.spawned);
      count(totals, 'dead letters', world.deadLetters);
      if (world.faults.times.length === 0) count(totals, 'seeds without a fault');
      for (const [name, times] of world.metrics) count(totals, `metric ${name}`, times);
      for (const [name, times] of world.faults.counts) count(faults, name, times);
      countRuns(simulation);
    },
    failed: () => failedSeeds.length,
    totals: () => new Map([...totals, ...faults]),
    text() {
      const listed = (of: Map<string, number>) =>
        [...of]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, times]) => `  ${name.padEnd(28)}${String(times).padStart(9)}`)
          .join('\n');
      const seconds = ((performance.now() - beganAt) / 1_000).toFixed(1);
      const outcome = failedSeeds.length === 0 ? 'every rule holds' : `BROKEN by seeds ${failedSeeds.join(', ')}`;
      return `What was simulated:\n${listed(totals)}\nFaults:\n${listed(faults)}\n${seconds} s, ${outcome}`;
    },
  };
}
