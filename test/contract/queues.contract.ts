// What Queues must do, whatever carries the messages.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Queues } from '../../lambdas/core/ports/runs.ts';

export interface QueuesUnderTest extends AsyncDisposable {
  queues: Queues;
  /** The bodies of the messages that can be received now. */
  runs(): Promise<object[]>;
  deliveries(): Promise<object[]>;
}

const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

export function describeQueues(name: string, make: () => Promise<QueuesUnderTest>): void {
  describe(`${name} as queues`, () => {
    let it: QueuesUnderTest;
    beforeEach(async () => {
      it = await make();
    });
    afterEach(() => it[Symbol.asyncDispose]());

    test('a message for a run has its id and its tenant, and nothing else', async () => {
      await it.queues.enqueueRuns([{ runId: 'r1', tenant: 'acme' }]);
      expect(await it.runs()).toEqual([{ runId: 'r1', tenant: 'acme' }]);
      expect(await it.deliveries()).toEqual([]);
    });

    test('a message for a webhook has run, number and tenant, and nothing else', async () => {
      await it.queues.enqueueDeliveries([{ run: 'r1', n: 2, tenant: 'acme' }]);
      expect(await it.deliveries()).toEqual([{ run: 'r1', n: 2, tenant: 'acme' }]);
      expect(await it.runs()).toEqual([]);
    });

    test('there is one message for each of more than a batch', async () => {
      const messages = Array.from({ length: 25 }, (_, index) => ({ runId: `r${index}`, tenant: 'acme' }));
      await it.queues.enqueueRuns(messages);
      expect((await it.runs()).sort(byText)).toEqual(messages.sort(byText));
    });

    test('no messages are no error', async () => {
      await it.queues.enqueueRuns([]);
      await it.queues.enqueueDeliveries([]);
      expect([await it.runs(), await it.deliveries()]).toEqual([[], []]);
    });
  });
}
