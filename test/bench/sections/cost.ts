// Dollars of a million asynchronous runs: counted operations and log bytes, the memory of the template, and durations
// that are assumed, because a run mostly waits for others and this machine is not Lambda.

import { findFunction } from '../../../local/blueprint/functions.ts';
import { DOLLARS_PER_MILLION } from '../figures.ts';
import { type Operations, startCountedPlatform } from '../operations.ts';
import * as prices from '../prices.ts';
import { atMost, figure, type Line } from '../report.ts';
import { sum } from './ops.ts';

const MILLION = 1_000_000;
const GIGA = 1_000_000_000;
// One run at a time: the most that a run asks of SQS. Busier platforms share requests among runs.
const LOAD = { runs: 20, width: 1 };

/** Three nodes that wait 8 s for others; receivers that answer in 0.4 s. */
const ASSUMED = {
  apiSeconds: 0.04,
  workSeconds: 9,
  /** Runs that share an invocation of the worker, which takes up to ten. */
  runsPerWork: 5,
  deliverSeconds: 0.4,
  /** What Lambda itself logs of an invocation. */
  reportBytes: 400,
};

export async function cost(): Promise<Line[]> {
  await using platform = await startCountedPlatform();
  const { functions } = platform.runtime.blueprint;
  const counted = await platform.count(LOAD);
  const invocation = (name: string, seconds: number) =>
    prices.INVOCATION + ((findFunction(functions, name)?.memoryMb ?? 0) / 1_024) * seconds * prices.GB_SECOND;
  const parts = {
    'API requests': prices.API_REQUEST,
    'api function': invocation('api', ASSUMED.apiSeconds),
    'work function': invocation('work', ASSUMED.workSeconds) / ASSUMED.runsPerWork,
    'deliver function': invocation('deliver', ASSUMED.deliverSeconds),
    ...countStoreOperations(counted),
  };
  const dollars = Object.values(parts).reduce((total, part) => total + part, 0) * MILLION;
  const goal = { most: DOLLARS_PER_MILLION, unit: '$' };
  return [
    atMost('a million runs', dollars, goal),
    atMost('with half the memory for the worker', dollars - (parts['work function'] / 2) * MILLION, goal),
    ...Object.entries(parts).map(([what, part]) => figure(`  ${what}`, part * MILLION, '$')),
  ];
}

function countStoreOperations({ runs, writeUnits, readUnits, sqs, ...rest }: Operations): Record<string, number> {
  const invocations = 2 + 1 / ASSUMED.runsPerWork;
  const loggedGb = (rest.logBytes / runs + invocations * ASSUMED.reportBytes) / GIGA;
  return {
    'DynamoDB writes': (writeUnits / runs) * prices.WRITE_UNIT,
    'DynamoDB reads': (readUnits / runs) * prices.READ_UNIT,
    'DynamoDB storage, a month': (rest.storedBytes / runs / GIGA) * prices.STORED_GB_MONTH,
    'SQS requests': (sum(sqs) / runs) * prices.SQS_REQUEST,
    'S3 requests': (rest.s3Requests / runs) * prices.S3_REQUEST,
    'state transitions': (rest.stateTransitions / runs) * prices.STATE_TRANSITION,
    logs: loggedGb * prices.LOGGED_GB,
  };
}
