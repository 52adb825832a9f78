// What happens to a run from outside on DynamoDB: cancel requests, signals, and the sweeper's due index.

import { QueryCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { DUE_SHARDS } from '../core/limits.ts';
import type { Due, RunStore } from '../core/ports/runs.ts';
import { failedConditions, fromItem, retryConflicts, toItem } from './dynamo.ts';
import * as keys from './run-keys.ts';
import { LIVE, LIVE_VALUES, makeRunRecord, put, type RunTable } from './run-record.ts';

type EventMoves = Pick<RunStore, 'requestCancel' | 'signal' | 'postpone' | 'due'>;

export function makeRunEvents(at: RunTable): EventMoves {
  const { client, table } = at;
  const { get, change, changing } = makeRunRecord(at);

  async function dueIn(shard: string, now: number, limit: number): Promise<{ at: number; due: Due }[]> {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: keys.DUE_INDEX,
        KeyConditionExpression: 'dueShard = :shard AND dueAt <= :now',
        ExpressionAttributeValues: toItem({ ':shard': shard, ':now': now }),
        Limit: limit,
      }),
    );
    return Items.map((item) => {
      const { pk, sk, dueAt } = fromItem<{ pk: string; sk: string; dueAt: number }>(item);
      return { at: dueAt, due: dueFrom(pk, sk) };
    });
  }

  return {
    async requestCancel(id) {
      const { run } = await change(id, { set: { cancelRequested: true }, when: LIVE, values: LIVE_VALUES });
      return run;
    },

    async signal(id, signal, dueAt) {
      const stored = {
        pk: keys.runPk(id),
        sk: keys.signalSk(signal.path),
        signal: JSON.stringify(signal),
        ttl: keys.expiry(signal.at),
      };
      const counted = changing(id, {
        set: { dueAt, dueShard: keys.dueShard(id) },
        add: { signals: 1 },
        when: LIVE,
        values: LIVE_VALUES,
      });
      const writes = [put(table, stored, 'attribute_not_exists(pk)'), { Update: counted }];
      try {
        await retryConflicts(() => client.send(new TransactWriteItemsCommand({ TransactItems: writes })));
      } catch (error) {
        const [duplicate, settled] = failedConditions(error);
        if (settled) return { kind: 'settled' };
        if (duplicate) return { kind: 'duplicate' };
        throw error;
      }
      const run = await get(id);
      return run ? { kind: 'stored', run } : { kind: 'settled' };
    },

    async postpone(run, dueAt, to) {
      await change(run.id, {
        set: { dueAt, dueShard: keys.dueShard(run.id), status: to },
        ...(to && { remove: ['waitingFor', 'wakeAt'] }),
        when: `${LIVE} AND dueAt = :dueAt${to ? ' AND attribute_not_exists(leaseUntil)' : ''}`,
        values: { ...LIVE_VALUES, ':dueAt': run.dueAt ?? 0 },
      });
    },

    async due(now, limit) {
      const shards = Array.from({ length: DUE_SHARDS }, (_, shard) => dueIn(String(shard), now, limit));
      const found = (await Promise.all(shards)).flat();
      return found
        .sort((a, b) => a.at - b.at)
        .slice(0, limit)
        .map((it) => it.due);
    },
  };
}

function dueFrom(pk: string, sk: string): Due {
  const id = pk.slice(pk.indexOf('#') + 1);
  if (sk === keys.META) return { kind: 'run', id };
  if (sk === keys.SLOTS || sk === keys.SYNC) return { kind: 'slots', tenant: id };
  return { kind: 'delivery', run: id, n: Number(sk.slice('RUN#D#'.length)) };
}
