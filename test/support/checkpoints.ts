// Runs in the middle of their life, as the run store leaves them in its table: made for the fixtures of a release, and
// finished from them by any later one.

import { BatchWriteItemCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../lambdas/aws/dynamo.ts';
import { makeRunStore } from '../../lambdas/aws/run-store.ts';
import { makeSlots } from '../../lambdas/aws/slots.ts';
import { TOKEN_HOLDER } from '../../lambdas/core/access/run-access.ts';
import { signalRun } from '../../lambdas/core/api/signal.ts';
import { deliver } from '../../lambdas/core/deliver/deliver.ts';
import type { Plan } from '../../lambdas/core/flow/plan.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import type { HttpRequest } from '../../lambdas/core/ports/http.ts';
import type { Clock } from '../../lambdas/core/ports/ports.ts';
import type { Functions } from '../../lambdas/core/ports/runners.ts';
import { isSettled, type Run } from '../../lambdas/core/run.ts';
import { workRun } from '../../lambdas/core/work.ts';
import { type LocalDynamoDb, startDynamoDb } from './dynamodb.ts';
import { type MemoryPlatform, makePlatform } from './platform.ts';
import { makeRuntimeTable } from './runtime-table.ts';

/** One file of `test/fixtures/checkpoints/<release>`. */
export interface Checkpoint {
  run: string;
  tenant: string;
  /** Epoch milliseconds at which the table was read. */
  at: number;
  /** As the release had compiled them. */
  plans: { flow: string; digest: string; plan: Plan }[];
  items: Item[];
  /** What becomes of the run. */
  outputs: JsonObject;
}

const SLICE_MS = 90_000;
const MAX_ROUNDS = 20;
const MAX_BATCH = 25;

export interface TablePlatform extends MemoryPlatform {
  client: DynamoDBClient;
  table: string;
  server: LocalDynamoDb;
  requests: HttpRequest[];
  /** Functions that never answer, by the name in their payload. */
  hanging: Set<string>;
  /** Moves the time forward. */
  moveTo(at: number): void;
}

/** The only tenant of a platform in memory. */
export const CHECKPOINT_TENANT = 'acme';

/** A platform whose runs and slots are on a DynamoDB of their own, with a clock that goes on from `at`. */
export async function makeTablePlatform(at: number): Promise<TablePlatform> {
  const server = await startDynamoDb();
  const { client, table } = await makeRuntimeTable(server);
  let offset = at - performance.now();
  const memory = await makePlatform();
  const { keyring } = memory.ports;
  const payloads = { put: tooLarge, get: tooLarge };
  const requests: HttpRequest[] = [];
  const hanging = new Set<string>();
  const clock: Clock = {
    ...memory.clock,
    now: () => Math.floor(performance.now() + offset),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        timer.unref();
        signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
      }),
  };
  const functions: Functions = {
    async invoke({ payload }) {
      const { name, fail } = payload as { name: string; fail?: boolean };
      if (hanging.has(name)) await new Promise(() => {});
      if (fail) return { kind: 'error', type: 'Broken', message: 'Not yet', retryable: true };
      return { kind: 'answer', payload: name };
    },
  };
  const http = {
    check: () => undefined,
    send: async (request: HttpRequest) => {
      requests.push(request);
      return { status: 204, headers: {}, body: new Uint8Array(), truncated: false, durationMs: 1 };
    },
  };
  const runs = makeRunStore({ client, table, payloads, keyring } as Parameters<typeof makeRunStore>[0]);
  Object.assign(memory.ports, { clock, functions, http, runs, slots: makeSlots({ client, table }) });
  const moveTo = (to: number): void => {
    offset = Math.max(offset, to - performance.now());
  };
  return { ...memory, client, table, server, requests, hanging, moveTo };
}

const tooLarge = () => Promise.reject(new Error('a checkpoint holds small payloads only'));

/** Everything that the table holds. */
export async function readItems({ client, table }: TablePlatform): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of paginateScan({ client }, { TableName: table })) items.push(...(page.Items ?? []));
  return items;
}

/** The table and the plans as they were when the checkpoint was recorded. */
export async function restoreCheckpoint({ ports, client, table }: TablePlatform, { items, plans, tenant }: Checkpoint) {
  for (let from = 0; from < items.length; from += MAX_BATCH) {
    const puts = items.slice(from, from + MAX_BATCH).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: puts } }));
  }
  const known = new Map(plans.map((it) => [`${it.flow} ${it.digest}`, it.plan]));
  ports.flows.plan = async (of, flow, digest) => (of === tenant ? known.get(`${flow} ${digest}`) : undefined);
}

/** Takes the run to its end with the present code: whoever it waits for answers, whatever it waits for comes. */
export async function finish(platform: TablePlatform, runId: string): Promise<Run> {
  const { ports, moveTo, hanging } = platform;
  hanging.clear();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const run = await ports.runs.get(runId);
    if (!run) throw new Error(`There is no run ${runId}`);
    if (isSettled(run.status)) return run;
    await answerWaits(platform, runId);
    moveTo(Math.max(run.leaseUntil ?? 0, run.waitingFor === 'callback' ? 0 : (run.wakeAt ?? 0)) + 1);
    await workRun(ports, { runId, budgetUntil: ports.clock.now() + SLICE_MS });
  }
  throw new Error(`Run ${runId} does not end`);
}

async function answerWaits({ ports }: TablePlatform, runId: string): Promise<void> {
  const { records } = await ports.runs.load(runId);
  for (const { path, status, wait } of records) {
    if (status !== 'waiting') continue;
    if (wait?.child !== undefined) await finishChild(ports, wait.child);
    if (wait?.kind === 'callback')
      await signalRun(ports, TOKEN_HOLDER, { runId, path, payload: 'answered' }).catch(() => undefined);
  }
}

const finishChild = (ports: MemoryPlatform['ports'], runId: string): Promise<void> =>
  workRun(ports, { runId, budgetUntil: ports.clock.now() + SLICE_MS });

/** Delivers the webhooks of a run that has ended. */
export async function deliverAll({ ports }: TablePlatform, runId: string): Promise<void> {
  const { deliveries = [] } = (await ports.runs.read(runId)) ?? {};
  for (const { n } of deliveries) await deliver(ports, { run: runId, n });
}

export const writeCheckpoint = (checkpoint: Checkpoint): string =>
  `${JSON.stringify(checkpoint, (_, value) => (value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value), 2)}\n`;

export const readCheckpoint = (text: string): Checkpoint =>
  JSON.parse(text, (_, value) => (typeof value?.$bytes === 'string' ? Buffer.from(value.$bytes, 'base64') : value));
