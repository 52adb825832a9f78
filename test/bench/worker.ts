// One process that does what the functions do, without their queues: accepts a run, works on it, delivers its webhook.
// The core, the stores on a local DynamoDB and the HTTP client are the real ones.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeRunStore } from '../../lambdas/aws/run-store.ts';
import { makeSlots } from '../../lambdas/aws/slots.ts';
import type { Caller } from '../../lambdas/core/access/caller.ts';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { submit } from '../../lambdas/core/api/submit.ts';
import { makeCircuitBreaker } from '../../lambdas/core/deliver/circuit-breaker.ts';
import { deliver } from '../../lambdas/core/deliver/deliver.ts';
import type { Queues } from '../../lambdas/core/ports/runs.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { systemClock } from '../../lambdas/system.ts';
import { startDynamoDb } from '../support/dynamodb.ts';
import { makePlatform } from '../support/platform.ts';
import { makeRuntimeTable } from '../support/runtime-table.ts';

const SLICE_MS = 90_000;
const FLOW = `
flow: 1
name: mixed
inputs: { n: { type: integer, required: true }, site: { type: string, required: true } }
nodes:
  list: { type: set, with: { values: { items: "\${{ [1..3] }}" } } }
  calls: { type: http, each: { in: $nodes.list.items, concurrency: 3 }, with: { url: "\${{ $inputs.site }}?n=\${{ $item }}" } }
  timer: { type: wait, needs: calls, with: { for: 1ms } }
  again: { type: http, needs: timer, onError: continue, with: { url: "\${{ $inputs.site }}busy" } }
  text: { type: template, needs: again, join: any, with: { text: "{{ inputs.n }} of {{ nodes.list.items | size }}" } }
outputs: { text: "\${{ $nodes.text.text }}" }
`;

export interface OneProcess extends AsyncDisposable {
  /** From accept to delivery. */
  run(n: number): Promise<void>;
}

export async function startOneProcess(): Promise<OneProcess> {
  await using starting = new AsyncDisposableStack();
  const server = await startDynamoDb();
  starting.defer(() => server.stop());
  const site = createServer((request, response) => {
    response.statusCode = request.url === '/busy' ? 503 : 200;
    request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{"n": 1}'));
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  starting.defer(() => void site.close());
  starting.defer(() => site.closeAllConnections());
  const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;

  const keyring = makeKeyring(async () => 'a'.repeat(64));
  // Nothing here is large enough to go anywhere but into the table.
  const table = { ...(await makeRuntimeTable(server)), payloads: { put: never, get: never }, keyring };
  const queues: Queues = { enqueueRuns: async () => undefined, enqueueDeliveries: async () => undefined };
  const { ports, publish } = await makePlatform({
    clock: systemClock,
    runs: makeRunStore(table),
    slots: makeSlots(table),
    queues,
    keyring,
    http: makeHttpClient({ policy: 'loopback' }),
  });
  const flow = await publish(FLOW);
  const tenant = await ports.tenants.tenant('acme');
  if (!tenant) throw new Error('There is no tenant');
  const key = { id: 'k', tenant: tenant.id, dialect: 'native' as const, scopes: ['run' as const], createdAt: 0 };
  const caller: Caller = { tenant, key, origin: 'https://errand.example.com' };
  const deliveryPorts = { ...ports, circuitBreaker: makeCircuitBreaker() };
  const running = starting.move();
  return {
    async run(n) {
      const asked = { flow, inputs: { n, site: url }, mode: 'async' as const, dialect: 'native' as const };
      const { run } = await submit(ports, caller, { ...asked, webhooks: [{ url }] });
      await workRun(ports, { runId: run.id, budgetUntil: ports.clock.now() + SLICE_MS });
      const end = await deliver(deliveryPorts, { run: run.id, n: 1 });
      if (end !== 'delivered') throw new Error(`Run ${n} was ${end}: ${JSON.stringify(await ports.runs.get(run.id))}`);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const never = () => Promise.reject(new Error('no run of the bench is so large'));
