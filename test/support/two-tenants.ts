// One tenant that floods the platform and one that asks little of it: how long the little takes, with the flood and without.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, type Body, publishFlow } from './api-client.ts';

const BRIEF = `
flow: 1
name: brief
nodes: { delay: { type: wait, with: { for: 100ms } } }
outputs: { done: { value: true } }
`;
const HELD = `
flow: 1
name: held
inputs: { gate: { type: string, required: true } }
nodes: { call: { type: http, timeout: 5m, with: { url: "\${{ $inputs.gate }}" } } }
outputs: { done: { value: true } }
`;

const BATCH = 100;
const LITTLE = 10;
const LOOK_MS = 250;

export interface Flooded {
  /** Of the quiet tenant's runs, from accept to end. */
  aloneMs: number[];
  besideMs: number[];
  /** Of the flood, when the last quiet run had ended. */
  endedMeanwhile: number;
  /** The flood's runs, in the order in which they were accepted. */
  flood: Body[];
}

/** The flood is `count` runs of a tenant that may have `limit` at once; all of them wait when the little is asked. */
export async function floodAndLittle(
  operator: ApiClient,
  { count, limit }: { count: number; limit: number },
): Promise<Flooded> {
  const [loud, quiet] = await Promise.all([
    tenantWith(operator, 'loud', { concurrency: limit }),
    tenantWith(operator, 'quiet', {}),
  ]);
  await ended(quiet, await startBrief(quiet, LITTLE));
  const alone = await ended(quiet, await startBrief(quiet, LITTLE));

  await using gate = await closedGate();
  const held = Array.from({ length: limit }, () => ({ flow: 'held', inputs: { gate: gate.url } }));
  const holders = await startAll(loud, held);
  await gate.waiting(limit);
  const ids = await startBrief(loud, count);
  gate.open();
  await ended(loud, ids.slice(0, 1));
  const beside = await ended(quiet, await startBrief(quiet, LITTLE));
  const lastEnd = Math.max(...beside.map(({ endedAt }) => Date.parse(endedAt)));
  const flood = await ended(loud, ids);
  await ended(loud, holders);
  return {
    aloneMs: alone.map(lifeMs),
    besideMs: beside.map(lifeMs),
    endedMeanwhile: flood.filter(({ endedAt }) => Date.parse(endedAt) <= lastEnd).length,
    flood: flood.sort((a, b) => (`${a.createdAt}${a.id}` < `${b.createdAt}${b.id}` ? -1 : 1)),
  };
}

const lifeMs = ({ createdAt, endedAt }: Body): number => Date.parse(endedAt) - Date.parse(createdAt);

async function tenantWith(operator: ApiClient, id: string, limits: object): Promise<ApiClient> {
  await operator.call('POST', '/v1/tenants', { id, limits });
  const { body } = await operator.call('POST', '/v1/keys', { tenant: id, scopes: ['run', 'admin'] });
  const tenant = operator.as(body.credentials.key);
  await publishFlow(tenant, 'brief', BRIEF);
  await publishFlow(tenant, 'held', HELD);
  return tenant;
}

const startBrief = (tenant: ApiClient, count: number): Promise<string[]> =>
  startAll(
    tenant,
    Array.from({ length: count }, () => ({ flow: 'brief' })),
  );

async function startAll(tenant: ApiClient, runs: object[]): Promise<string[]> {
  const ids: string[] = [];
  for (let begun = 0; begun < runs.length; begun += BATCH) {
    const { body } = await tenant.call('POST', '/v1/runs:batch', { runs: runs.slice(begun, begun + BATCH) });
    for (const { run, error } of body.items) {
      if (!run) throw new Error(`A run was refused: ${JSON.stringify(error)}`);
      ids.push(run.id);
    }
  }
  return ids;
}

/** The runs, when all have ended. */
async function ended(tenant: ApiClient, ids: readonly string[]): Promise<Body[]> {
  const runs: Body[] = [];
  for (const id of ids) {
    let run: Body;
    while (!run?.endedAt) {
      if (run) await sleep(LOOK_MS);
      run = (await tenant.call('GET', `/v1/runs/${id}`)).body;
    }
    if (run.status !== 'succeeded') throw new Error(`A run ${run.status}: ${JSON.stringify(run.error)}`);
    runs.push(run);
  }
  return runs;
}

/** A server that answers nobody before it is opened. */
async function closedGate() {
  const opened = Promise.withResolvers<void>();
  let callers = 0;
  const server = createServer((_, response) => {
    callers += 1;
    void opened.promise.then(() => response.end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    open: () => opened.resolve(),
    async waiting(count: number) {
      while (callers < count) await sleep(LOOK_MS);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
