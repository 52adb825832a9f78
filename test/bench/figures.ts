// The figures that Errand promises to reach. The bench prints them beside what it measures; counts are held by tests.

/** Per asynchronous run of three nodes with two webhooks, payloads below 1 kB, that fits one slice. */
export const PER_RUN = { writeUnits: 32, readUnits: 12, sqsRequests: 6, stateTransitions: 0 } as const;

export const SYNC_P50_MS = 25;
export const READY_MS = 5_000;
export const API_ENTRY_BYTES = 600_000;
/** What a cold start may load: the entry chunk and the chunks that it needs at once. Raised knowingly, never in passing. */
export const AT_START_BYTES = {
  api: 800_000,
  work: 650_000,
  advance: 650_000,
  deliver: 550_000,
  sweep: 550_000,
} as const;
export const COMPILE_EXAMPLE_MS = 10;
export const COMPILE_CHAIN_MS = 80;
export const EACH_OVERHEAD_MS = 30;
/** What a process may keep of 8,000 runs: less than half a kilobyte of each. */
export const HEAP_GROWTH_MB = 3;
export const DOLLARS_PER_MILLION = 45;
