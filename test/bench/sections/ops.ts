// AWS operations per asynchronous run of three nodes with two webhooks, at two sizes: what a run costs must not depend
// on how many there are.

import { PER_RUN } from '../figures.ts';
import { type Operations, startCountedPlatform } from '../operations.ts';
import { atMost, type Line, told } from '../report.ts';

const SIZES = [
  // One after another, so that no message shares its request with another run's: the most that a run asks of SQS.
  { runs: 10, width: 1 },
  { runs: 1_000, width: 16 },
];

export async function ops(): Promise<Line[]> {
  await using platform = await startCountedPlatform();
  const lines: Line[] = [];
  for (const load of SIZES) lines.push(...linesOf(await platform.count(load)));
  return lines;
}

export function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, it) => total + it, 0);
}

function linesOf(counted: Operations): Line[] {
  const { runs, dynamodb, sqs, invocations } = counted;
  const most = (what: string, total: number, figure: number) =>
    atMost(`${what}, each of ${runs.toLocaleString('en-US')}`, total / runs, { most: figure, unit: '' });
  return [
    most('write units', counted.writeUnits, PER_RUN.writeUnits),
    most('read units', counted.readUnits, PER_RUN.readUnits),
    most('SQS requests', sum(sqs), PER_RUN.sqsRequests),
    most('state transitions', counted.stateTransitions, PER_RUN.stateTransitions),
    told('  S3 requests', counted.s3Requests / runs, ''),
    told('  invocations', sum(invocations) / runs, ''),
    told('  read units for caches, of all runs together', counted.cacheReadUnits, ''),
    ...[...dynamodb].map(([line, spent]) => told(`  ${line}`, (spent.writeUnits + spent.readUnits) / runs, 'units')),
    ...[...sqs].map(([line, count]) => told(`  ${line}`, count / runs, 'requests')),
  ];
}
