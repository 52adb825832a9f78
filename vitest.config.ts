import { defineConfig } from 'vitest/config';

const project = (name: string, extra: { testTimeout?: number; maxWorkers?: number } = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 10_000,
    // A busy machine takes its time; what never comes is still seen.
    expect: { poll: { timeout: 8_000 } },
    ...extra,
  },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('contract', { testTimeout: 30_000 }),
      project('simulation', { testTimeout: 60_000 }),
      project('model'),
      project('infra', { testTimeout: 60_000 }),
      // Each journey file starts a runtime of its own, and waits more than it works: two at a time fill two cores.
      project('journey', { testTimeout: 120_000, maxWorkers: 2 }),
    ],
    coverage: { provider: 'v8', include: ['lambdas/**'], reporter: ['text-summary'] },
  },
});
