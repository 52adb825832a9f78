// AWS operations per asynchronous run of three nodes with two webhooks, at two sizes: what a run costs must not depend
// on how many there are.

import type { Spent } from '../dynamodb-proxy.ts';
import { PER_RUN } from '../figures.ts';
import { type Operations, startCountedPlatform } from '../operations.ts';
import type { Line } from '../report.ts';

// One after another no message shares its request with another run's: the most that a run asks of SQS.
const FEW = { runs: 10, width: 1 };
const MANY = { runs: 1_000, width: 16 };

export async function ops(): Promise<Line[]> {
  await using platform = await startCountedPlatform();
  const few = await platform.count(FEW);
  const many = await platform.count(MANY);
  const each = (what: string, of: (counted: Operations) => number, figure?: number): Line => {
    const [one, other] = [few, many].map((counted) => Math.round((of(counted) / counted.runs) * 100) / 100);
    const measured = `${one} · ${other}`;
    if (figure === undefined) return { what: `  ${what}`, measured };
    return { what, measured, goal: `at most ${figure}`, isReached: Math.max(one ?? 0, other ?? 0) <= figure };
  };
  return [
    { what: `each of ${FEW.runs} in a row · of ${MANY.runs}, ${MANY.width} at once`, measured: '' },
    each('write units', ({ writeUnits }) => writeUnits, PER_RUN.writeUnits),
    each('read units', ({ readUnits }) => readUnits, PER_RUN.readUnits),
    each('SQS requests', ({ sqs }) => sum(sqs), PER_RUN.sqsRequests),
    each('state transitions', ({ stateTransitions }) => stateTransitions, PER_RUN.stateTransitions),
    each('S3 requests', ({ s3Requests }) => s3Requests),
    each('Lambda invocations', ({ invocations }) => sum(invocations)),
    each('bytes logged', ({ logBytes }) => logBytes),
    each('bytes stored', ({ storedBytes }) => storedBytes),
    each('read units that fill caches', ({ cacheReadUnits }) => cacheReadUnits),
    ...[...few.dynamodb.keys()].map((line) => each(line, ({ dynamodb }) => countUnits(dynamodb.get(line)))),
    ...[...few.sqs.keys()].map((line) => each(line, ({ sqs }) => sqs.get(line) ?? 0)),
  ];
}

export function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, it) => total + it, 0);
}

function countUnits(spent: Spent | undefined): number {
  return (spent?.writeUnits ?? 0) + (spent?.readUnits ?? 0);
}
