// The sweeper function: every minute it repairs what was left behind. Invoked by hand it also makes the first key.

import { bootstrap } from './core/access/bootstrap.ts';
import { SWEEP_PERIOD_SECONDS } from './core/limits.ts';
import { type Swept, sweep } from './core/sweep.ts';
import { readEnvironment } from './env.ts';
import { makePorts } from './wiring.ts';

interface SweepEvent {
  /** `{"bootstrap": {"tenant": "main"}}` creates the tenant and a key with every scope; see docs/runbook.md. */
  bootstrap?: { tenant: string; key?: string };
}

const ports = makePorts('sweep', readEnvironment('sweep'));

export async function handler(event: SweepEvent = {}): Promise<Swept | { tenant: string; key: string }> {
  if (event.bootstrap) {
    const { tenant, credential } = await bootstrap(ports, event.bootstrap);
    return { tenant: tenant.id, key: credential };
  }
  // Ends before the next sweep begins.
  return sweep(ports, { untilMs: ports.clock.now() + (SWEEP_PERIOD_SECONDS - 15) * 1_000 });
}
