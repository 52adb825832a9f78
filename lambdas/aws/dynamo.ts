// What every store on DynamoDB shares: the client, items, reading its errors, and cursors.
// Tables, keys and conditions belong to the stores.

import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { ApiError } from '../core/errors.ts';
import { MAX_CURSOR_CHARS } from '../core/limits.ts';

/** An item or key as DynamoDB has it. */
export type Item = Record<string, AttributeValue>;

const MAX_ATTEMPTS = 3;
const CONNECTION_TIMEOUT_MS = 1_000;
// With its retries a write takes less than LEASE_MARGIN_SECONDS, so it cannot land after the lease it was made under.
const REQUEST_TIMEOUT_MS = 3_000;

/** Region, credentials and endpoint come from the environment that the SDK reads itself. */
export function makeDynamo(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
    ...config,
  });
}

/** Undefined fields are left out; a `Set` becomes a set. */
export function toItem(object: object): Item {
  return marshall(object, { removeUndefinedValues: true });
}

export function fromItem<T>(item: Item): T {
  return unmarshall(item) as T;
}

/**
 * One entry per action of the failed write (one for a single write): undefined where its condition held, else the
 * item that stood in the way (with `ReturnValuesOnConditionCheckFailure: ALL_OLD`; `{}` where there is none to show).
 */
export function failedConditions<T = Record<string, unknown>>(error: unknown): (T | undefined)[] {
  if (error instanceof ConditionalCheckFailedException) return [fromItem<T>(error.Item ?? {})];
  if (!(error instanceof TransactionCanceledException)) return [];
  return (error.CancellationReasons ?? []).map((reason) =>
    reason.Code === 'ConditionalCheckFailed' ? fromItem<T>(reason.Item ?? {}) : undefined,
  );
}

/** A condition of the write, or of any action of the transaction, did not hold. */
export function isConditionFailed(error: unknown): boolean {
  return failedConditions(error).some((item) => item !== undefined);
}

/** Somebody else was writing the same items: nothing was written, and trying again is safe. */
export function isTransactionConflict(error: unknown): boolean {
  if (errorName(error) === 'TransactionConflictException' || errorName(error) === 'TransactionInProgressException')
    return true;
  return cancellationCodes(error).includes('TransactionConflict');
}

const CONFLICT_ATTEMPTS = 8;

/** Tries again, after a growing random delay, while somebody else is writing the same items. */
export async function retryConflicts<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!isTransactionConflict(error) || attempt === CONFLICT_ATTEMPTS) throw error;
      await sleep(Math.random() * 10 * 2 ** attempt);
    }
  }
}

/** `LastEvaluatedKey` of a page → the cursor handed to the caller; null after the last page. */
export function encodeCursor(key: Item | undefined): string | null {
  return key === undefined ? null : Buffer.from(JSON.stringify(unmarshall(key))).toString('base64url');
}

/**
 * The cursor a caller brought → `ExclusiveStartKey`. `expected` are the attributes the key must carry (its partition):
 * a cursor of another list, tenant or making is refused, never sent to the table.
 */
export function decodeCursor(text: string | undefined, expected: Record<string, string> = {}): Item | undefined {
  if (text === undefined) return undefined;
  const key = parseCursor(text);
  if (key === undefined || Object.entries(expected).some(([name, value]) => key[name] !== value)) refuseCursor();
  return toItem(key);
}

/** A query from a cursor. Whether the rest of the key fits the list, only the table can say. */
export async function fromCursor<T>(text: string | undefined, query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (text !== undefined && errorName(error) === 'ValidationException') refuseCursor(error);
    throw error;
  }
}

function refuseCursor(cause?: unknown): never {
  const message = 'is not a cursor of this list: pass `next` of the page before, unchanged';
  throw new ApiError('invalid-request', `cursor ${message}`, { cause, details: [{ field: 'cursor', message }] });
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function cancellationCodes(error: unknown): (string | undefined)[] {
  return error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []).map((it) => it.Code) : [];
}

function parseCursor(text: string): Record<string, string | number> | undefined {
  if (text.length > MAX_CURSOR_CHARS || !/^[\w-]+$/.test(text)) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof key !== 'object' || key === null || Array.isArray(key)) return undefined;
    const values = Object.values(key);
    const isKey = values.length > 0 && values.every((it) => typeof it === 'string' || Number.isSafeInteger(it));
    return isKey ? (key as Record<string, string | number>) : undefined;
  } catch {
    return undefined;
  }
}
