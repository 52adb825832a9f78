// The lease of a run on DynamoDB: claim, renew, suspend, park and settle. Every write after the claim carries its epoch.

import { GetItemCommand, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { ClaimResult, RunStore } from '../core/ports/runs.ts';
import { type Delivery, isSettled, type Run, type Webhook } from '../core/run.ts';
import type { makeDeliveryStore } from './delivery-store.ts';
import { isConditionFailed, retryConflicts, toItem } from './dynamo.ts';
import { payloadKey, store } from './run-items.ts';
import * as keys from './run-keys.ts';
import { LIVE, LIVE_VALUES, makeRunRecord, put, type RunTable } from './run-record.ts';
import type { Change } from './update.ts';

type Claim = Parameters<RunStore['claim']>[1];
type LeaseMoves = Pick<RunStore, 'claim' | 'renew' | 'suspend' | 'park' | 'settle' | 'finish'>;

const DUE = ['dueAt', 'dueShard'];

export function makeRunLease(at: RunTable, deliveries: ReturnType<typeof makeDeliveryStore>): LeaseMoves {
  const { client, table, payloads } = at;
  const { change, changing } = makeRunRecord(at);

  async function readWebhooks(run: Run): Promise<Webhook[]> {
    const key = toItem({ pk: keys.runPk(run.id), sk: keys.INPUTS });
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: key, ConsistentRead: true }));
    return Item ? deliveries.openWebhooks(run, Item) : [];
  }

  async function claimWhen(id: string, { now, leaseUntil, ending }: Claim, by: Change): Promise<ClaimResult> {
    const claimed = await change(id, {
      ...by,
      set: ending ? { leaseUntil } : { leaseUntil, status: 'running' },
      setOnce: ending ? {} : { startedAt: now },
      when: `${LIVE} AND ${by.when}`,
      values: { ...LIVE_VALUES, ...by.values },
    });
    return claimed.kind === 'changed' ? { kind: 'claimed', run: claimed.run } : claimed;
  }

  return {
    async claim(id, asked) {
      const cleared = asked.ending ? [] : ['waitingFor', 'wakeAt', 'parkToken'];
      const first = await claimWhen(id, asked, {
        add: { epoch: 1 },
        remove: cleared,
        when: `attribute_not_exists(leaseUntil)${asked.handoff === undefined ? '' : ' AND handovers = :handoff'}`,
        values: asked.handoff === undefined ? {} : { ':handoff': asked.handoff },
      });
      if (first.kind === 'claimed' || !isDead(first.run, asked)) return first;
      return claimWhen(id, asked, {
        add: { epoch: 1, crashes: 1 },
        remove: cleared,
        when: 'leaseUntil = :dead AND epoch = :epoch',
        values: { ':dead': first.run.leaseUntil, ':epoch': first.run.epoch },
      });
    },

    async renew(id, epoch, leaseUntil) {
      const renewed = await change(id, {
        set: { leaseUntil },
        when: `epoch = :epoch AND attribute_exists(leaseUntil) AND ${LIVE}`,
        values: { ':epoch': epoch, ...LIVE_VALUES },
      });
      return renewed.kind === 'changed' ? { kind: 'renewed', run: renewed.run } : { kind: 'lost' };
    },

    async suspend(run, to) {
      const changed = await change(run.id, {
        set: {
          status: to.status,
          dueAt: to.dueAt,
          dueShard: keys.dueShard(run.id),
          usage: JSON.stringify(to.usage),
          handledErrors: to.handledErrors,
          seenSignals: run.signals,
          waitingFor: to.waitingFor,
          wakeAt: to.wakeAt,
        },
        add: to.handoff ? { handovers: 1 } : {},
        remove: ['leaseUntil', 'parkToken'],
        when: 'epoch = :epoch AND attribute_exists(leaseUntil) AND signals = :signals AND attribute_not_exists(cancelRequested)',
        values: { ':epoch': run.epoch, ':signals': run.signals },
      });
      if (changed.kind === 'changed') return { kind: 'suspended', run: changed.run };
      const { run: current } = changed;
      const isOurs = current?.epoch === run.epoch && current.leaseUntil !== undefined && !isSettled(current.status);
      return { kind: isOurs ? 'signaled' : 'lost' };
    },

    async park(id, { handoff, token }) {
      const parked = await change(id, {
        set: { parkToken: token },
        when: '#status = :waiting AND handovers = :handoff AND signals = seenSignals AND attribute_not_exists(leaseUntil) AND attribute_not_exists(cancelRequested)',
        values: { ':waiting': 'waiting', ':handoff': handoff },
      });
      return { kind: parked.kind === 'changed' ? 'parked' : 'awake' };
    },

    async finish(run) {
      await change(run.id, { remove: DUE, when: `NOT (${LIVE})`, values: LIVE_VALUES });
    },

    async settle(run, end) {
      const webhooks = run.webhookCount > 0 ? await readWebhooks(run) : [];
      const out = end.outputs && (await store(payloads, payloadKey(run, 'out'), end.outputs));
      const fresh: Delivery[] = webhooks.map((webhook, index) => ({
        ...webhook,
        run: run.id,
        tenant: run.tenant,
        n: index + 1,
        status: 'pending',
        attempts: [],
        nextAt: end.endedAt,
      }));
      const meta = changing(run.id, {
        set: {
          status: end.status,
          endStatus: end.status,
          endedAt: end.endedAt,
          usage: JSON.stringify(end.usage),
          handledErrors: end.handledErrors,
          ...(end.error && { error: JSON.stringify(end.error) }),
          ...(end.dueAt !== undefined && { dueAt: end.dueAt, dueShard: keys.dueShard(run.id) }),
        },
        remove: ['leaseUntil', 'parkToken', 'wakeAt', 'waitingFor', ...(end.dueAt === undefined ? DUE : [])],
        when: `epoch = :epoch AND attribute_exists(leaseUntil) AND ${LIVE}`,
        values: { ':epoch': run.epoch, ...LIVE_VALUES },
      });
      const writes: TransactWriteItem[] = [
        { Update: meta },
        ...(out
          ? [put(table, { pk: keys.runPk(run.id), sk: keys.OUTPUTS, ttl: keys.expiry(run.createdAt), ...out })]
          : []),
        ...(await Promise.all(
          fresh.map(async (it) => ({ Put: { TableName: table, Item: await deliveries.seal(it) } })),
        )),
      ];
      try {
        await retryConflicts(() => client.send(new TransactWriteItemsCommand({ TransactItems: writes })));
      } catch (error) {
        if (isConditionFailed(error)) return { kind: 'lost' };
        throw error;
      }
      const { leaseUntil, dueAt, parkToken, wakeAt, waitingFor, ...rest } = run;
      const settled: Run = {
        ...rest,
        status: end.status,
        endedAt: end.endedAt,
        usage: end.usage,
        handledErrors: end.handledErrors,
        error: end.error,
        ...(end.dueAt !== undefined && { dueAt: end.dueAt }),
      };
      return { kind: 'settled', run: settled, deliveries: fresh };
    },
  };
}

/** Whoever worked on the run has stopped renewing: its lease may be taken over. */
function isDead(run: Run | undefined, { now, handoff }: Claim): run is Run & { leaseUntil: number } {
  if (run?.leaseUntil === undefined || run.leaseUntil > now || isSettled(run.status)) return false;
  return handoff === undefined || run.handoffs === handoff;
}
