// The run record itself on DynamoDB: reading it, and changing it on a condition. The moves are in the files beside it.

import {
  type DynamoDBClient,
  GetItemCommand,
  type TransactWriteItem,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Keyring } from '../core/ports/ports.ts';
import type { Run } from '../core/run.ts';
import { type Item, isConditionFailed, retryConflicts, toItem } from './dynamo.ts';
import type { Payloads } from './payloads.ts';
import { runFromItem } from './run-items.ts';
import * as keys from './run-keys.ts';
import { type Change, update } from './update.ts';

export interface RunTable {
  client: DynamoDBClient;
  table: string;
  payloads: Payloads;
  keyring: Keyring;
}

export type Changed = { kind: 'changed'; run: Run } | { kind: 'refused'; run: Run | undefined };

export const LIVE = '#status IN (:pending, :running, :waiting)';
export const LIVE_VALUES = { ':pending': 'pending', ':running': 'running', ':waiting': 'waiting' };

export function makeRunRecord({ client, table }: RunTable) {
  const metaKey = (id: string) => toItem({ pk: keys.runPk(id), sk: keys.META });
  const changing = (id: string, by: Change) => ({ TableName: table, Key: metaKey(id), ...update(by) });

  async function get(id: string, ConsistentRead = true): Promise<Run | undefined> {
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key: metaKey(id), ConsistentRead }));
    return Item && runFromItem(Item);
  }

  /** Sends a conditional change of the run record: the run after it, or the run that did not meet the condition, if any. */
  async function change(id: string, by: Change): Promise<Changed> {
    try {
      const command = new UpdateItemCommand({
        ...changing(id, by),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      const { Attributes } = await retryConflicts(() => client.send(command));
      return { kind: 'changed', run: runFromItem(Attributes as Item) };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const { Item: current } = error as { Item?: Item };
      return { kind: 'refused', run: current?.['runId'] ? runFromItem(current) : undefined };
    }
  }

  return { get, change, changing };
}

export function put(table: string, item: object, condition?: string): TransactWriteItem {
  return {
    Put: {
      TableName: table,
      Item: toItem(item),
      ...(condition && { ConditionExpression: condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    },
  };
}
