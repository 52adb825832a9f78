// Random calls to every route of every dialect: no fault, no hang, no wrong error format. `npm run fuzz` makes more calls.
// The seed that fast-check prints repeats a failure.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkUrl } from '../../lambdas/core/outbound/safe-url.ts';
import { HttpFault } from '../../lambdas/core/ports/http.ts';
import { findViolations } from '../support/fuzz-invariants.ts';
import { makeFuzzWorld } from '../support/fuzz-world.ts';
import { drawCalls, type FuzzedCall } from '../support/fuzzed-calls.ts';
import { makeWholeApi } from '../support/whole-api.ts';

const CALLS = Number(process.env['ERRAND_FUZZ_CALLS'] ?? 3_000);
// A call that takes longer counts as a hang; a busy machine does not take that long.
const HANGS_AFTER_MS = 15_000;

const faults: unknown[] = [];
const note = (message: string, fields?: Record<string, unknown>) => void faults.push([message, fields?.['error']]);
const silent = () => undefined;

const api = await makeWholeApi({
  log: { info: silent, warn: silent, error: note, metric: silent },
  http: {
    check: (url) => void checkUrl(url, 'none'),
    send: () => Promise.reject(new HttpFault('connect', 'Nobody is there')),
  },
});
const owner = await api.issue('acme', { scopes: ['run', 'admin', 'operator'] });
const world = await makeFuzzWorld(api.call, {
  origin: 'https://api.example.com',
  key: owner.credentials['key'] ?? '',
});

async function answered(call: FuzzedCall) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('hangs')), HANGS_AFTER_MS);
  try {
    return await Promise.race([world.send(call), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

test(
  'no call makes the platform fail, hang or answer in the wrong dialect',
  async () => {
    const calls = await drawCalls(world.good);
    const statuses = new Map<number, number>();
    const report = ({ counterexample, errorInstance, seed }: fc.RunDetails<[FuzzedCall]>) => {
      if (errorInstance)
        throw new Error(
          `seed ${seed}: ${JSON.stringify(counterexample)
            .replaceAll(/(.)\1{20,}/g, '$1…')
            .slice(0, 3_000)}`,
          { cause: errorInstance },
        );
    };
    await fc.assert(
      fc.asyncProperty(calls, async (call) => {
        faults.length = 0;
        const answer = await answered(call);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const seen = `${answer.status} ${answer.text.slice(0, 500)}`;
        expect({ wrong: findViolations(call, answer), faults: [...faults], seen }).toEqual({
          wrong: [],
          faults: [],
          seen,
        });
      }),
      { numRuns: CALLS, endOnFailure: true, reporter: report },
    );
    expect(Object.prototype).not.toHaveProperty('polluted');
    // A test whose calls are all refused early proves nothing.
    expect(statuses.get(200) ?? 0, JSON.stringify([...statuses])).toBeGreaterThan(CALLS / 20);
  },
  30_000 + CALLS * 20,
);
