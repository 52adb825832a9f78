// Lists of runs: newest first, by the tenant's index, filtered on the way; bounded walks that hand on a cursor.

import { BatchGetItemCommand, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { JsonObject } from '../core/json.ts';
import { LIST_WALK_ENTRIES } from '../core/limits.ts';
import type { RunQuery, RunStore } from '../core/ports/runs.ts';
import { isSettled, listTexts, type Run } from '../core/run.ts';
import { firstRunIdAt, isRunId } from '../core/run-id.ts';
import { decodeCursor, encodeCursor, fromCursor, fromItem, type Item, toItem } from './dynamo.ts';
import { restore, runFromItem, type Stored } from './run-items.ts';
import * as keys from './run-keys.ts';
import type { RunTable } from './run-record.ts';

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export function makeRunList({ client, table, payloads }: RunTable): Pick<RunStore, 'list'> {
  /** Current records of these runs, in this order; eventually consistent. */
  async function readRuns(ids: string[]): Promise<Run[]> {
    const found = new Map<string, Run>();
    for (let at = 0; at < ids.length; at += 100) {
      let Keys: Item[] | undefined = ids.slice(at, at + 100).map((id) => toItem({ pk: keys.runPk(id), sk: keys.META }));
      while (Keys && Keys.length > 0) {
        const answer = await client.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys } } }));
        for (const item of answer.Responses?.[table] ?? []) {
          const run = runFromItem(item as Item);
          found.set(run.id, run);
        }
        Keys = answer.UnprocessedKeys?.[table]?.Keys as Item[] | undefined;
      }
    }
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  async function readInputs(id: string): Promise<JsonObject> {
    const Key = toItem({ pk: keys.runPk(id), sk: keys.INPUTS });
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key }));
    return Item ? restore<JsonObject>(payloads, fromItem<Stored>(Item)) : {};
  }

  /** One query of the index (or of a searchable value): ids and where to go on. */
  async function candidates(query: RunQuery, start: Item | undefined) {
    const { pk, sk, index } = partition(query);
    const filter = filters(query, index);
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        ...(index && { IndexName: keys.LIST_INDEX }),
        KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
        ...(filter.conditions.length > 0 && { FilterExpression: filter.conditions.join(' AND ') }),
        ExpressionAttributeNames: { '#pk': pk.name, '#sk': sk, ...filter.names },
        ExpressionAttributeValues: toItem({
          ':pk': pk.value,
          ':from': query.from === undefined ? '0' : firstRunIdAt(query.from),
          // `to` is exclusive: the last id before its first millisecond sorts below it.
          ':to': query.to === undefined ? MAX_UUID : `${firstRunIdAt(query.to - 1).slice(0, 13)}~`,
          ...filter.values,
        }),
        ScanIndexForward: false,
        Limit: LIST_WALK_ENTRIES,
        ExclusiveStartKey: start,
      }),
    );
    return { ids: Items.map((item) => item[sk]?.S ?? ''), last: LastEvaluatedKey as Item | undefined };
  }

  async function matching(query: RunQuery, ids: string[]): Promise<Run[]> {
    const runs = (await readRuns(ids)).filter((run) => fits(run, query));
    const text = query.q?.toLowerCase();
    const wanted = Object.entries(query.inputs ?? {});
    if (text === undefined && wanted.length === 0) return runs;
    const inputs = await Promise.all(runs.map((run) => readInputs(run.id)));
    return runs.filter((run, index) => {
      const own = inputs[index] ?? {};
      const fitsText = text === undefined || listTexts(run, own).some((it) => it.toLowerCase().includes(text));
      return fitsText && wanted.every(([name, value]) => name in own && asText(own[name]) === value);
    });
  }

  async function byId(id: string, query: RunQuery): Promise<Run[]> {
    return (await readRuns([id])).filter((run) => run.tenant === query.tenant && fits(run, query));
  }

  /** Walks the ids in page-sized steps until the page is full, so that a full page does not read what the next one will. */
  async function page(query: RunQuery, ids: string[]): Promise<Run[]> {
    const found: Run[] = [];
    for (let at = 0; at < ids.length && found.length < query.limit; at += query.limit) {
      found.push(...(await matching(query, ids.slice(at, at + query.limit))));
    }
    return found.slice(0, query.limit);
  }

  return {
    async list(query) {
      const id = query.q?.toLowerCase();
      if (id !== undefined && isRunId(id)) return { runs: await byId(id, query), next: null };
      const { pk, index } = partition(query);
      const start = decodeCursor(query.cursor, { [pk.name]: pk.value });
      const { ids, last } = await fromCursor(query.cursor, () => candidates(query, start));
      const runs = await page(query, ids);
      const end = runs.at(-1)?.id;
      if (end === undefined || runs.length < query.limit) return { runs, next: encodeCursor(last) };
      const isMore = last !== undefined || end !== ids.at(-1);
      return { runs, next: isMore ? encodeCursor(cursorKey(end, pk, index)) : null };
    },
  };
}

interface PartitionKey {
  name: string;
  value: string;
}

/** The tenant's index, or the runs that carry a value: the first searched input of a named flow decides. */
function partition(query: RunQuery): { pk: PartitionKey; sk: string; index: boolean } {
  const [first] = Object.entries(query.indexed ?? {});
  if (query.flow !== undefined && first) {
    return {
      pk: { name: 'pk', value: keys.valuePk(query.tenant, query.flow, first[0], first[1]) },
      sk: 'sk',
      index: false,
    };
  }
  return { pk: { name: 'tenantKey', value: query.tenant }, sk: 'runId', index: true };
}

function cursorKey(runId: string, pk: PartitionKey, index: boolean): Item {
  if (!index) return toItem({ [pk.name]: pk.value, sk: runId });
  return toItem({ [pk.name]: pk.value, runId, pk: keys.runPk(runId), sk: keys.META });
}

/** What the index itself can answer, so that runs which do not fit are never read. */
function filters(query: RunQuery, index: boolean) {
  const conditions: string[] = [];
  const names: Record<string, string> = {};
  const values: Record<string, string> = {};
  if (!index) return { conditions, names, values };
  const equal = { flow: query.flow, mode: query.mode, env: query.env, dialect: query.dialect, userId: query.user };
  for (const [name, value] of Object.entries(equal)) {
    if (value === undefined) continue;
    names[`#${name}`] = name;
    values[`:${name}`] = value;
    conditions.push(`#${name} = :${name}`);
  }
  if (query.status !== undefined) {
    names['#endStatus'] = 'endStatus';
    if (isSettled(query.status)) values[':endStatus'] = query.status;
    conditions.push(isSettled(query.status) ? '#endStatus = :endStatus' : 'attribute_not_exists(#endStatus)');
  }
  return { conditions, names, values };
}

/** The index lags and does not hold live statuses: the record itself decides. */
function fits(run: Run, query: RunQuery): boolean {
  return (
    (query.flow === undefined || run.flow === query.flow) &&
    (query.status === undefined || run.status === query.status) &&
    (query.mode === undefined || run.mode === query.mode) &&
    (query.env === undefined || run.env === query.env) &&
    (query.dialect === undefined || run.dialect === query.dialect) &&
    (query.user === undefined || run.user === query.user) &&
    (query.from === undefined || run.createdAt >= query.from) &&
    (query.to === undefined || run.createdAt < query.to)
  );
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
