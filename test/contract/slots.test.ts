import { afterAll, beforeAll } from 'vitest';
import { makeRunEvents } from '../../lambdas/aws/run-events.ts';
import { makeSlots } from '../../lambdas/aws/slots.ts';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { type LocalDynamoDb, startDynamoDb } from '../support/dynamodb.ts';
import { makeMemorySlots } from '../support/memory-slots.ts';
import { makeRuntimeTable } from '../support/runtime-table.ts';
import { describeSlots } from './slots.contract.ts';

let server: LocalDynamoDb;
describeSlots('memory', () => {
  const slots = makeMemorySlots();
  return { slots, due: async (now) => slots.due(now) };
});

beforeAll(async () => {
  server = await startDynamoDb();
});
afterAll(() => server.stop());

describeSlots('DynamoDB', async () => {
  const at = await makeRuntimeTable(server);
  const payloads = { get: async () => undefined, put: async () => undefined };
  const events = makeRunEvents({ ...at, payloads, keyring: makeKeyring(async () => 'a'.repeat(64)) });
  return { slots: makeSlots(at), due: (now) => events.due(now, 100) };
});
