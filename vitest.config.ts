import { defineConfig } from 'vitest/config';

const project = (name: string, extra: { testTimeout?: number; fileParallelism?: boolean } = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 10_000, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project('unit'),
      project('contract', { testTimeout: 30_000 }),
      project('simulation', { testTimeout: 60_000 }),
      project('infra', { testTimeout: 60_000 }),
      // Each journey file starts a runtime of its own; one at a time keeps two cores honest.
      project('journey', { testTimeout: 120_000, fileParallelism: false }),
    ],
    coverage: { provider: 'v8', include: ['lambdas/**'], reporter: ['text-summary'] },
  },
});
