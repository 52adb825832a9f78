// A small valid plan, to be varied by tests.

import type { Plan } from '../../lambdas/core/flow/plan.ts';

export function buildPlan(extra: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    name: 'hello',
    inputs: {},
    models: {},
    env: {},
    secrets: [],
    plugins: {},
    settings: { mode: 'any', timeoutMs: 86_400_000, concurrency: 20 },
    nodes: [],
    outputs: {},
    ...extra,
  };
}
