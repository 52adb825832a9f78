// Per-tenant concurrency on DynamoDB: the slots are one set of run ids (adding and removing are idempotent, so a retry
// can neither leak nor double-count), the tenant's queue is a key range whose lowest key is next.

import {
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { SLOTS_RECONCILE_SECONDS } from '../core/limits.ts';
import type { Slots } from '../core/ports/runs.ts';
import type { Run } from '../core/run.ts';
import { runIdBytes, runIdFromBytes } from '../core/run-id.ts';
import { fromItem, type Item, isConditionFailed, retryConflicts, toItem } from './dynamo.ts';
import * as keys from './run-keys.ts';
import type { RunTable } from './run-record.ts';

// Times are rounded to this, so that they cost no index write per run.
const RECONCILE_MS = SLOTS_RECONCILE_SECONDS * 1_000;

// size() of a missing set makes a condition false, hence the first half. DynamoDB refuses redundant parentheses.
const HAS_ROOM = '(attribute_not_exists(running) OR size(running) < :limit)';
const NOBODY_QUEUED = '(attribute_not_exists(waiting) OR waiting <= :none)';

interface SlotItem {
  running?: Set<Uint8Array>;
  waiting?: number;
}

export function makeSlots({ client, table }: Pick<RunTable, 'client' | 'table'>): Slots {
  const rowKey = (tenant: string, row: string) => toItem({ pk: keys.tenantPk(tenant), sk: row });
  const waitKey = (run: Run) => toItem({ pk: keys.tenantPk(run.tenant), sk: keys.waitSk(run) });

  async function enter(row: string, slot: Parameters<Slots['acquire']>[0], free: string): Promise<boolean> {
    const { tenant, runId, limit, now } = slot;
    const command = new UpdateItemCommand({
      TableName: table,
      Key: rowKey(tenant, row),
      // Not set again by every run: the slots of a tenant that is never idle would never be reconciled.
      UpdateExpression: 'SET dueShard = :shard, dueAt = if_not_exists(dueAt, :dueAt) ADD running :ids',
      ConditionExpression: `contains(running, :id) OR ${free}`,
      ExpressionAttributeValues: toItem({
        ':ids': new Set([runIdBytes(runId)]),
        ':id': runIdBytes(runId),
        ':limit': limit,
        ':shard': keys.dueShard(tenant),
        ':dueAt': (Math.floor(now / RECONCILE_MS) + 2) * RECONCILE_MS,
        ...(free.includes(':none') && { ':none': 0 }),
      }),
    });
    try {
      await retryConflicts(() => client.send(command));
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async function leaveRow(row: string, tenant: string, runId: string): Promise<SlotItem> {
    const command = new UpdateItemCommand({
      TableName: table,
      Key: rowKey(tenant, row),
      UpdateExpression: 'DELETE running :ids',
      ExpressionAttributeValues: toItem({ ':ids': new Set([runIdBytes(runId)]) }),
      ReturnValues: 'ALL_NEW',
    });
    const { Attributes }: UpdateItemCommandOutput = await retryConflicts(() => client.send(command));
    return Attributes ? fromItem<SlotItem>(Attributes as Item) : {};
  }

  /** The head of the tenant's queue: keys of the next runs. */
  async function head(tenant: string, Limit: number): Promise<{ sk: string; runId: string }[]> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :wait)',
        ExpressionAttributeValues: toItem({ ':pk': keys.tenantPk(tenant), ':wait': 'WAIT#' }),
        Limit,
      }),
    );
    return Items.map((item) => fromItem<{ sk: string; runId: string }>(item));
  }

  async function slotsNow(tenant: string): Promise<SlotItem> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: rowKey(tenant, keys.SLOTS), ConsistentRead: true }),
    );
    return Item ? fromItem<SlotItem>(Item) : {};
  }

  /** Adds a run to the queue, or removes it, together with the count, in one transaction; false when it was so already. */
  async function changeQueue(run: Run, by: 1 | -1): Promise<boolean> {
    const TableName = table;
    const item = { ...waitKey(run), ...toItem({ runId: run.id, ttl: keys.expiry(run.createdAt) }) };
    const move =
      by === 1
        ? { Put: { TableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' } }
        : { Delete: { TableName, Key: waitKey(run), ConditionExpression: 'attribute_exists(pk)' } };
    const count = {
      Update: {
        TableName,
        Key: rowKey(run.tenant, keys.SLOTS),
        UpdateExpression: 'ADD waiting :by',
        ExpressionAttributeValues: toItem({ ':by': by }),
      },
    };
    return transact([move, count]);
  }

  async function transact(TransactItems: object[]): Promise<boolean> {
    try {
      await retryConflicts(() => client.send(new TransactWriteItemsCommand({ TransactItems })));
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  /** One queued run into one free slot; false when it left meanwhile or no slot is free. */
  function promoteOne(tenant: string, next: { sk: string; runId: string }, limit: number): Promise<boolean> {
    const TableName = table;
    return transact([
      { Delete: { TableName, Key: rowKey(tenant, next.sk), ConditionExpression: 'attribute_exists(pk)' } },
      {
        Update: {
          TableName,
          Key: rowKey(tenant, keys.SLOTS),
          UpdateExpression: 'ADD running :ids, waiting :less',
          ConditionExpression: 'attribute_not_exists(running) OR size(running) < :limit',
          ExpressionAttributeValues: toItem({
            ':ids': new Set([runIdBytes(next.runId)]),
            ':less': -1,
            ':limit': limit,
          }),
        },
      },
    ]);
  }

  /** Up to the first that cannot be promoted; answers the others. */
  async function promoteInOrder(
    tenant: string,
    next: { sk: string; runId: string }[],
    limit: number,
  ): Promise<string[]> {
    const promoted: string[] = [];
    for (const it of next) {
      if (!(await promoteOne(tenant, it, limit))) break;
      promoted.push(it.runId);
    }
    return promoted;
  }

  return {
    acquire: (slot) => enter(keys.SLOTS, slot, `(${NOBODY_QUEUED} AND ${HAS_ROOM})`),
    enterSync: (slot) => enter(keys.SYNC, slot, HAS_ROOM),

    async release(tenant, runId) {
      const { waiting = 0 } = await leaveRow(keys.SLOTS, tenant, runId);
      return { queued: waiting };
    },
    async leaveSync(tenant, runId) {
      await leaveRow(keys.SYNC, tenant, runId);
    },

    async enqueue(run) {
      await changeQueue(run, 1);
    },
    async leaveQueue(run) {
      await changeQueue(run, -1);
    },
    async isQueued(run) {
      const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: waitKey(run) }));
      return Item !== undefined;
    },

    async promote(tenant, limit) {
      const promoted: string[] = [];
      for (;;) {
        const { running, waiting = 0 } = await slotsNow(tenant);
        const free = limit - (running?.size ?? 0);
        if (free <= 0 || waiting <= 0) return promoted;
        const next = await head(tenant, Math.min(free, 25));
        const some = await promoteInOrder(tenant, next, limit);
        promoted.push(...some);
        // Another process is promoting too, or the queue is empty: the other one goes on.
        if (some.length < next.length || next.length === 0) return promoted;
      }
    },

    async occupancy(tenant) {
      // Both rows in one request, which costs every accepted run half a read unit.
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :slots AND :sync',
          ExpressionAttributeValues: toItem({ ':pk': keys.tenantPk(tenant), ':slots': keys.SLOTS, ':sync': keys.SYNC }),
        }),
      );
      const rows = new Map(Items.map((item) => [item['sk']?.S, fromItem<SlotItem>(item)]));
      const slots = rows.get(keys.SLOTS) ?? {};
      const sync = rows.get(keys.SYNC) ?? {};
      return { running: ids(slots), queued: Math.max(0, slots.waiting ?? 0), sync: ids(sync) };
    },

    async reconcileAt(tenant, dueAt) {
      await Promise.all(
        [keys.SLOTS, keys.SYNC].map((sk) => {
          const set = dueAt === undefined ? 'REMOVE dueAt, dueShard' : 'SET dueAt = :dueAt, dueShard = :shard';
          const values = dueAt === undefined ? {} : { ':dueAt': dueAt, ':shard': keys.dueShard(tenant) };
          return transact([
            {
              Update: {
                TableName: table,
                Key: rowKey(tenant, sk),
                UpdateExpression: set,
                // An empty row needs no look; one that was taken meanwhile keeps it.
                ConditionExpression: dueAt === undefined ? 'attribute_not_exists(running)' : 'attribute_exists(dueAt)',
                ...(dueAt !== undefined && { ExpressionAttributeValues: toItem(values) }),
              },
            },
          ]);
        }),
      );
    },
  };
}

function ids({ running }: SlotItem): string[] {
  return [...(running ?? [])].map(runIdFromBytes);
}
