// The lease of a run on DynamoDB: claim, renew, suspend, park and settle. Every write after the claim carries its epoch.

import { GetItemCommand, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { ClaimResult, RunStore, Settlement } from '../core/ports/runs.ts';
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
      const fresh = run.webhookCount > 0 ? planDeliveries(run, await readWebhooks(run), end.endedAt) : [];
      const out = end.outputs && (await store(payloads, payloadKey(run, 'out'), end.outputs));
      const outputs = out && { pk: keys.runPk(run.id), sk: keys.OUTPUTS, ttl: keys.expiry(run.createdAt), ...out };
      const sealed = await Promise.all(fresh.map(deliveries.seal));
      const writes: TransactWriteItem[] = [
        { Update: changing(run.id, describeEnd(run, end)) },
        ...(run.credentials === 'once' ? [dropCredentials(table, run)] : []),
        ...(outputs ? [put(table, outputs)] : []),
        ...sealed.map((Item) => ({ Put: { TableName: table, Item } })),
      ];
      try {
        await retryConflicts(() => client.send(new TransactWriteItemsCommand({ TransactItems: writes })));
      } catch (error) {
        if (isConditionFailed(error)) return { kind: 'lost' };
        throw error;
      }
      return { kind: 'settled', run: settledRun(run, end), deliveries: fresh };
    },
  };
}

function planDeliveries(run: Run, webhooks: Webhook[], nextAt: number): Delivery[] {
  const base = { run: run.id, tenant: run.tenant, status: 'pending', nextAt } as const;
  return webhooks.map((webhook, index) => ({ ...webhook, ...base, attempts: [], n: index + 1 }));
}

/** Of a run that nobody else has, and that has not ended. */
function describeEnd(run: Run, end: Settlement): Change {
  const isDue = end.dueAt !== undefined;
  return {
    set: {
      status: end.status,
      endStatus: end.status,
      endedAt: end.endedAt,
      usage: JSON.stringify(end.usage),
      handledErrors: end.handledErrors,
      error: end.error && JSON.stringify(end.error),
      dueAt: end.dueAt,
      dueShard: isDue ? keys.dueShard(run.id) : undefined,
    },
    remove: ['leaseUntil', 'parkToken', 'wakeAt', 'waitingFor', ...(isDue ? [] : DUE)],
    when: `epoch = :epoch AND attribute_exists(leaseUntil) AND ${LIVE}`,
    values: { ':epoch': run.epoch, ...LIVE_VALUES },
  };
}

function settledRun(run: Run, end: Settlement): Run {
  const { leaseUntil, parkToken, wakeAt, waitingFor, ...rest } = run;
  const { status, endedAt, usage, handledErrors, error, dueAt } = end;
  return { ...rest, status, endedAt, usage, handledErrors, error, dueAt };
}

function dropCredentials(TableName: string, run: Run): TransactWriteItem {
  const Key = toItem({ pk: keys.runPk(run.id), sk: keys.INPUTS });
  const ExpressionAttributeNames = { '#credentials': 'credentials' };
  return { Update: { TableName, Key, UpdateExpression: 'REMOVE #credentials', ExpressionAttributeNames } };
}

/** Whoever worked on the run has stopped renewing: its lease may be taken over. */
function isDead(run: Run | undefined, { now, handoff }: Claim): run is Run & { leaseUntil: number } {
  if (run?.leaseUntil === undefined || run.leaseUntil > now || isSettled(run.status)) return false;
  return handoff === undefined || run.handoffs === handoff;
}
