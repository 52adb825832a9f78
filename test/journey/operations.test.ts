import { afterAll, beforeAll, expect, test } from 'vitest';
import { PER_RUN } from '../bench/figures.ts';
import { type CountedPlatform, type Operations, startCountedPlatform } from '../bench/operations.ts';

// What an asynchronous run of three nodes with two webhooks asks of AWS, counted on the wire.
let platform: CountedPlatform;
let few: Operations;
let more: Operations;

beforeAll(async () => {
  platform = await startCountedPlatform();
  few = await platform.count({ runs: 3, width: 1 });
  more = await platform.count({ runs: 12, width: 4 });
}, 120_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const total = (counts: Map<string, number>) => [...counts.values()].reduce((sum, it) => sum + it, 0);
const callsPerRun = ({ dynamodb, runs }: Operations) =>
  Object.fromEntries([...dynamodb].map(([line, { calls }]) => [line, calls / runs]));

test('a run asks for no more write and read units than promised', () => {
  for (const { writeUnits, readUnits, runs } of [few, more]) {
    expect(writeUnits / runs).toBeGreaterThan(0);
    expect(writeUnits / runs).toBeLessThanOrEqual(PER_RUN.writeUnits);
    expect(readUnits / runs).toBeLessThanOrEqual(PER_RUN.readUnits);
  }
});

test('a run makes the same calls of DynamoDB however many there are', () => {
  expect(callsPerRun(more)).toEqual(callsPerRun(few));
});

test('a node that ends costs one write', () => {
  expect(callsPerRun(few)).toMatchObject({ 'PutItem NODE': 3 });
});

test('a run needs two queue messages, each sent, received and deleted once', () => {
  for (const { sqs, runs } of [few, more]) {
    expect(sqs.get('SQS SendMessageBatch')).toBe(2 * runs);
    expect(total(sqs)).toBeLessThanOrEqual(PER_RUN.sqsRequests * runs);
  }
});

test('a run that fits one slice needs no state transition and no object', () => {
  for (const { stateTransitions, s3Requests } of [few, more]) {
    expect([stateTransitions, s3Requests]).toEqual([PER_RUN.stateTransitions, 0]);
  }
});
