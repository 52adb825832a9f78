// The key with which everything begins: made by the platform's own bootstrap. The owner of this machine may have another one
// at any time, in the way that docs/runbook.md describes for whoever has lost every operator key.

import { findFunction } from './blueprint/functions.ts';
import { callWire } from './emulators/wire.ts';
import type { Runtime } from './runtime.ts';

const REFUSED = "scope 'operator' exists already";

/** With `key`, that one; otherwise a new one. */
export async function makeFirstKey(runtime: Runtime, first: { tenant: string; key?: string }): Promise<string> {
  const bootstrap = async () => {
    const { key } = (await runtime.invoke('sweep', { bootstrap: first })) as { key: string };
    return key;
  };
  return bootstrap().catch(async (error: Error) => {
    if (!error.message.includes(REFUSED)) throw error;
    await openBootstrap(runtime);
    return bootstrap();
  });
}

async function openBootstrap({ blueprint, endpoints }: Runtime): Promise<void> {
  const TableName = findFunction(blueprint.functions, 'sweep')?.environment['CATALOG_TABLE'];
  const Item = { pk: { S: 'PLATFORM' }, sk: { S: 'BOOTSTRAP' }, open: { BOOL: true } };
  await callWire(endpoints.dynamodb, 'DynamoDB_20120810.PutItem', { TableName, Item });
}
