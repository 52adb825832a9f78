// The same fire as in test/unit, over HTTP at the platform as it runs: gateway, functions, tables.

import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoClient } from '../support/api-client.ts';
import { findViolations } from '../support/fuzz-invariants.ts';
import { type FuzzWorld, makeFuzzWorld } from '../support/fuzz-world.ts';
import { drawCalls, type FuzzedCall } from '../support/fuzzed-calls.ts';
import { makeHttpCaller } from '../support/http-caller.ts';
import { startTestRuntime } from '../support/runtime.ts';

const CALLS = Math.ceil(Number(process.env['ERRAND_FUZZ_CALLS'] ?? 5_000) / 10);

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let world: FuzzWorld;

beforeAll(async () => {
  runtime = await startTestRuntime();
  const { key } = await demoClient(runtime);
  world = await makeFuzzWorld(makeHttpCaller(runtime.baseUrl), { origin: runtime.baseUrl, key });
}, 120_000);
afterAll(() => runtime?.stop());

test(
  'no call makes the platform fail, hang or speak the wrong dialect',
  async () => {
    const report = ({ counterexample, errorInstance, seed }: fc.RunDetails<[FuzzedCall]>) => {
      if (!errorInstance) return;
      const text = JSON.stringify(counterexample).replaceAll(/(.)\1{20,}/g, '$1…');
      throw new Error(`seed ${seed}: ${text.slice(0, 3_000)}`, { cause: errorInstance });
    };
    await fc.assert(
      fc.asyncProperty(await drawCalls(world.good), async (call) => {
        const answer = await world.send(call);
        const seen = `${answer.status} ${answer.text.slice(0, 500)}`;
        expect({ wrong: findViolations(call, answer), seen }).toEqual({ wrong: [], seen });
      }),
      { numRuns: CALLS, endOnFailure: true, reporter: report },
    );
    expect((await fetch(`${runtime.baseUrl}/health`)).status).toBe(200);
  },
  60_000 + CALLS * 100,
);
