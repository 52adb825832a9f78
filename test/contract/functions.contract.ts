// What every Functions port promises. `make` serves the functions that this file describes.

import { describe, expect, test } from 'vitest';
import type { Functions } from '../../lambdas/core/ports/runners.ts';

/** Source of each function the port must be able to call. */
export const FUNCTION_SOURCES: Record<string, string> = {
  double: 'export const handler = async ({ n }) => ({ n: 2 * n });',
  nothing: 'export const handler = async () => undefined;',
  broken: 'export const handler = async () => { throw new TypeError("the worker is broken"); };',
  slow: 'export const handler = () => new Promise((resolve) => setTimeout(resolve, 20_000));',
};

export function functionsContract(make: () => Promise<Functions & AsyncDisposable>): void {
  describe('Functions', () => {
    test('gives what the function answers', async () => {
      await using functions = await make();
      const call = { name: 'double', payload: { n: 21 }, mode: 'response' } as const;
      expect(await functions.invoke(call)).toEqual({ kind: 'answer', payload: { n: 42 } });
      expect(await functions.invoke({ ...call, name: 'nothing' })).toEqual({ kind: 'answer', payload: null });
    });

    test('reports what a function threw, which may be tried again', async () => {
      await using functions = await make();
      expect(await functions.invoke({ name: 'broken', payload: {}, mode: 'response' })).toEqual({
        kind: 'error',
        type: 'TypeError',
        message: 'the worker is broken',
        retryable: true,
      });
    });

    test('reports that there is no such function, which may not', async () => {
      await using functions = await make();
      for (const mode of ['response', 'event'] as const) {
        expect(await functions.invoke({ name: 'nobody', payload: {}, mode })).toMatchObject({
          kind: 'error',
          type: 'ResourceNotFoundException',
          retryable: false,
        });
      }
    });

    test('hands an event over without waiting for what becomes of it', async () => {
      await using functions = await make();
      for (const name of ['slow', 'broken']) {
        const answer = await functions.invoke({ name, payload: {}, mode: 'event' });
        expect(answer).toEqual({ kind: 'answer', payload: null });
      }
    });

    test('stops waiting when its signal aborts', async () => {
      await using functions = await make();
      const answer = await functions.invoke({
        name: 'slow',
        payload: {},
        mode: 'response',
        signal: AbortSignal.timeout(300),
      });
      expect(answer).toMatchObject({ kind: 'error', type: 'Aborted', retryable: true });
    });

    test('refuses a payload that is larger than Lambda takes', async () => {
      await using functions = await make();
      const sent = (mode: 'response' | 'event', bytes: number) =>
        functions.invoke({ name: 'nobody', payload: 'a'.repeat(bytes), mode });
      expect(await sent('event', 1_100_000)).toMatchObject({ type: 'PayloadTooLarge', retryable: false });
      expect(await sent('response', 6_300_000)).toMatchObject({ type: 'PayloadTooLarge', retryable: false });
      expect(await sent('response', 1_100_000)).toMatchObject({ type: 'ResourceNotFoundException' });
    });
  });
}
