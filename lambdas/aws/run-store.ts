// RunStore on DynamoDB: accepting a run, reading it, and recording what its nodes did. The other moves are composed in.

import {
  PutItemCommand,
  paginateQuery,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { JsonObject } from '../core/json.ts';
import { IDEMPOTENCY_SECONDS } from '../core/limits.ts';
import type { CreateResult, NewRun, RunStore } from '../core/ports/runs.ts';
import type { Delivery, Run, RunRecord, Signal } from '../core/run.ts';
import { makeDeliveryStore } from './delivery-store.ts';
import { failedConditions, fromItem, type Item, isConditionFailed, retryConflicts, toItem } from './dynamo.ts';
import { makeRunEvents } from './run-events.ts';
import {
  nodeFromItem,
  nodeToItem,
  payloadKey,
  restore,
  runFromItem,
  runToItem,
  type Stored,
  store,
} from './run-items.ts';
import * as keys from './run-keys.ts';
import { makeRunLease } from './run-lease.ts';
import { makeRunList } from './run-list.ts';
import { makeRunRecord, put, type RunTable } from './run-record.ts';

export function makeRunStore(at: RunTable): RunStore {
  const { client, table, payloads } = at;
  const deliveries = makeDeliveryStore(at);
  const { get } = makeRunRecord(at);

  async function items(id: string, prefix = ''): Promise<Item[]> {
    const found: Item[] = [];
    const pages = paginateQuery(
      { client },
      {
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: prefix ? 'pk = :pk AND begins_with(sk, :prefix)' : 'pk = :pk',
        ExpressionAttributeValues: toItem({ ':pk': keys.runPk(id), ...(prefix && { ':prefix': prefix }) }),
      },
    );
    for await (const page of pages) found.push(...(page.Items ?? []));
    return found;
  }

  /** Before a run has settled its deliveries are only planned: pending, without attempts. */
  async function planned(run: Run, inputs: Item): Promise<Delivery[]> {
    if (run.webhookCount === 0) return [];
    const webhooks = await deliveries.openWebhooks(run, inputs);
    const base = { run: run.id, tenant: run.tenant, status: 'pending', attempts: [] } as const;
    return webhooks.map((webhook, index) => ({ ...webhook, ...base, attempts: [], n: index + 1 }));
  }

  return {
    ...deliveries.moves,
    ...makeRunLease(at, deliveries),
    ...makeRunEvents(at),
    ...makeRunList(at),
    get: (id) => get(id),
    glance: (id) => get(id, false),

    async create(fresh) {
      const { run, inputs, webhooks, startedBy } = fresh;
      const stored = await store(payloads, payloadKey(run, 'in'), inputs);
      const sealed = { ...(await deliveries.sealWebhooks(run, webhooks)), ...(await sealCredentials(at, fresh)) };
      const writes: TransactWriteItem[] = [
        { Put: { TableName: table, Item: runToItem(run), ConditionExpression: 'attribute_not_exists(pk)' } },
        put(table, {
          pk: keys.runPk(run.id),
          sk: keys.INPUTS,
          ttl: keys.expiry(run.createdAt),
          startedBy,
          ...stored,
          ...sealed,
        }),
        ...Object.entries(fresh.searchable).map(([input, value]) =>
          put(table, {
            pk: keys.valuePk(run.tenant, run.flow, input, value),
            sk: run.id,
            ttl: keys.expiry(run.createdAt),
          }),
        ),
        ...(fresh.idempotency ? [idempotencyWrite(table, fresh)] : []),
      ];
      try {
        await retryConflicts(() => client.send(new TransactWriteItemsCommand({ TransactItems: writes })));
        return { kind: 'created' };
      } catch (error) {
        const taken = failedConditions<{ runId: string; fingerprint: string }>(error).at(-1);
        if (!fresh.idempotency || !taken?.runId) throw error;
        return { kind: 'duplicate', runId: taken.runId, fingerprint: taken.fingerprint } satisfies CreateResult;
      }
    },

    async read(id) {
      const all = await items(id, keys.META);
      const bySk = new Map(all.map((item) => [item['sk']?.S ?? '', item]));
      const meta = bySk.get(keys.META);
      const inputs = bySk.get(keys.INPUTS);
      if (!meta || !inputs) return undefined;
      const run = runFromItem(meta);
      const out = bySk.get(keys.OUTPUTS);
      const found = all.filter((item) => item['sk']?.S?.startsWith('RUN#D#'));
      return {
        run,
        ...readStart(inputs),
        inputs: await restore<JsonObject>(payloads, fromItem<Stored>(inputs)),
        outputs: out ? await restore<JsonObject>(payloads, fromItem<Stored>(out)) : null,
        deliveries: found.length > 0 ? await Promise.all(found.map(deliveries.open)) : await planned(run, inputs),
      } satisfies RunRecord;
    },

    async load(id) {
      const all = await items(id);
      const inputs = all.find((item) => item['sk']?.S === keys.INPUTS);
      if (!inputs) throw new Error(`Run ${id} has no inputs`);
      const nodes = all.filter((item) => item['sk']?.S?.startsWith('NODE#'));
      const signals = all.filter((item) => item['sk']?.S?.startsWith('SIG#'));
      return {
        inputs: await restore<JsonObject>(payloads, fromItem<Stored>(inputs)),
        records: await Promise.all(nodes.map((item) => nodeFromItem(payloads, item))),
        signals: signals.map((item) => JSON.parse(fromItem<{ signal: string }>(item).signal) as Signal),
        startedBy: readStart(inputs).startedBy,
        ...(await openCredentials(at, all, inputs)),
      };
    },

    async recordNode(run, record) {
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: await nodeToItem(payloads, run, record),
            // A process that has lost its lease must not bring back an earlier wait.
            ConditionExpression:
              'attribute_not_exists(pk) OR (#status = :waiting AND (attribute_not_exists(epoch) OR epoch <= :epoch))',
            ExpressionAttributeNames: { '#status': 'status' },
            ExpressionAttributeValues: toItem({ ':waiting': 'waiting', ':epoch': record.epoch }),
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return record;
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        // Another slice ended this unit first, or is at it now: its record stays, so every reader sees the same one.
        return nodeFromItem(payloads, (error as { Item?: Item }).Item ?? {});
      }
    },
  };
}

const credentialContext = (run: { id: string; tenant: string }) => `credentials/${run.tenant}/${run.id}`;

async function sealCredentials(
  { keyring }: RunTable,
  { run, credentials }: NewRun,
): Promise<{ credentials?: string; plugins?: string[] }> {
  if (credentials === undefined) return {};
  const plugins = Object.keys(credentials);
  return { plugins, credentials: await keyring.seal(JSON.stringify(credentials), credentialContext(run)) };
}

function readStart(inputs: Item): Pick<RunRecord, 'startedBy' | 'plugins'> {
  const { startedBy, plugins } = fromItem<Pick<RunRecord, 'startedBy' | 'plugins'>>(inputs);
  return { startedBy, plugins };
}

async function openCredentials({ keyring }: RunTable, all: Item[], inputs: Item): Promise<Pick<NewRun, 'credentials'>> {
  const sealed = fromItem<{ credentials?: string }>(inputs).credentials;
  const meta = all.find((item) => item['sk']?.S === keys.META);
  if (sealed === undefined || meta === undefined) return {};
  return { credentials: JSON.parse(await keyring.open(sealed, credentialContext(runFromItem(meta)))) };
}

/** The last write of a create, so its failed condition is the last reason. */
function idempotencyWrite(table: string, { run, idempotency }: NewRun): TransactWriteItem {
  const { key = '', fingerprint = '', replaces = '' } = idempotency ?? {};
  return {
    Put: {
      TableName: table,
      Item: toItem({
        pk: keys.idempotencyPk(run.tenant, key),
        sk: 'IDEM',
        runId: run.id,
        fingerprint,
        ttl: Math.ceil(run.createdAt / 1_000) + IDEMPOTENCY_SECONDS,
      }),
      ConditionExpression: 'attribute_not_exists(pk) OR #ttl < :now OR runId = :replaces',
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      ExpressionAttributeValues: toItem({ ':now': Math.floor(run.createdAt / 1_000), ':replaces': replaces }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}
