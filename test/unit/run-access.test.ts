// Who may touch a run: every function of the core that acts on one asks, whatever its caller has checked before.

import { beforeEach, describe, expect, test } from 'vitest';
import type { Caller } from '../../lambdas/core/access/caller.ts';
import { type Actor, actForTenant, requireRecord, requireRun } from '../../lambdas/core/access/run-access.ts';
import { makeTenant } from '../../lambdas/core/access/tenants.ts';
import { cancelRun } from '../../lambdas/core/api/cancel.ts';
import { rerun } from '../../lambdas/core/api/rerun.ts';
import { signalByToken, signalRun } from '../../lambdas/core/api/signal.ts';
import { redeliver } from '../../lambdas/core/deliver/redeliver.ts';
import { makeChildren } from '../../lambdas/core/engine/children.ts';
import type { Slice, Unit } from '../../lambdas/core/engine/slice.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import type { Run } from '../../lambdas/core/run.ts';
import { drive } from '../support/driver.ts';
import { type MemoryPlatform, makePlatform } from '../support/platform.ts';
import { set } from '../support/small-flows.ts';

const buildFlow = (name: string, nodes: object) => JSON.stringify({ flow: 1, name, nodes, outputs: {} });
const ASKING = buildFlow('asking', { ask: { type: 'callback', with: { message: 'Who?' } } });
const PLAIN = buildFlow('plain', { a: set(1) });

const buildCaller = (tenant: string, flow?: string): Caller => ({
  tenant: makeTenant(tenant, 0),
  key: { id: 'k', tenant, dialect: 'native', scopes: ['run'], createdAt: 0, flow },
  origin: 'https://errand.example.com',
});

const STRANGERS: [string, Caller][] = [
  ['a key of another tenant', buildCaller('rival')],
  ["a key of another tenant that is bound to a flow of the run's name", buildCaller('rival', 'asking')],
  ['a key of the same tenant that is bound to another flow', buildCaller('acme', 'other')],
];

const signal = (ports: Ports, actor: Actor, runId: string) =>
  signalRun(ports, actor, { runId, path: 'ask', payload: { v: 1 } });

const ON_WAITING: [string, (ports: Ports, actor: Caller, id: string) => Promise<unknown>][] = [
  ['reads', requireRun],
  ['reads with its inputs and outputs', requireRecord],
  ['cancels', cancelRun],
  ['signals', signal],
];
const ON_SETTLED: typeof ON_WAITING = [
  ['reruns', (ports, caller, id) => rerun(ports, caller, id, {})],
  ['redelivers', (ports, caller, run) => redeliver(ports, caller, { run, n: 1 })],
];

let platform: MemoryPlatform;
beforeEach(async () => {
  platform = await makePlatform();
});

const accept = (source: string): Promise<Run> =>
  platform.accept(source, { webhooks: [{ url: 'https://example.com/hook' }] });

async function settle(): Promise<Run> {
  const { id } = await accept(PLAIN);
  return (await drive(platform, id)).run;
}

const snapshot = () =>
  JSON.stringify([[...platform.runs.runs].map(([id, { run }]) => [id, run]), platform.queues.runs, platform.woken]);

describe.each(STRANGERS)('%s', (_, stranger) => {
  test.each(ON_WAITING)('%s no run that waits', async (_name, act) => {
    const { id } = await accept(ASKING);
    const before = snapshot();
    await expect(act(platform.ports, stranger, id)).rejects.toMatchObject({ code: 'run-not-found' });
    expect(snapshot()).toBe(before);
  });

  test.each(ON_SETTLED)('%s no run that has ended', async (_name, act) => {
    const { id } = await settle();
    const before = snapshot();
    const deliveries = [...platform.queues.deliveries];
    await expect(act(platform.ports, stranger, id)).rejects.toMatchObject({ code: 'run-not-found' });
    expect(snapshot()).toBe(before);
    expect(platform.queues.deliveries).toEqual(deliveries);
  });
});

describe("a key that is bound to the run's flow", () => {
  test.each(ON_WAITING)('%s it while it waits', async (_name, act) => {
    const { id } = await accept(ASKING);
    expect(await act(platform.ports, buildCaller('acme', 'asking'), id)).toBeDefined();
  });

  test.each(ON_SETTLED)('%s it when it has ended', async (_name, act) => {
    const { id } = await settle();
    expect(await act(platform.ports, buildCaller('acme', 'plain'), id)).toBeDefined();
  });
});

test('the platform acts for one tenant, whatever the flow', async () => {
  const { id } = await accept(ASKING);
  await expect(cancelRun(platform.ports, actForTenant('rival'), id)).rejects.toMatchObject({ code: 'run-not-found' });
  expect((await cancelRun(platform.ports, actForTenant('acme'), id)).status).toBe('canceled');
});

test('a token signals the run that it names, without a key', async () => {
  const { id } = await accept(ASKING);
  await platform.ports.keyring.ready();
  const token = platform.ports.keyring.signalToken(id, 'ask');
  expect((await signalByToken(platform.ports, token, { v: 1 })).signals).toBe(1);
  await expect(signalByToken(platform.ports, token.replace(/^./, 'x'), {})).rejects.toMatchObject({
    code: 'not-found',
  });
});

test("a flow node reads runs of its own run's tenant only", async () => {
  const child = await settle();
  const read = (tenant: string) =>
    makeChildren({ ports: platform.ports, run: { ...child, tenant } } as Slice, { path: 'sub' } as Unit, 1).read(
      child.id,
    );
  expect(await read('acme')).toMatchObject({ id: child.id, isSettled: true });
  expect(await read('rival')).toBeUndefined();
});

test('what is no run id is not looked up', async () => {
  const ports = { runs: { get: () => Promise.reject(new Error('asked')) } };
  await expect(requireRun(ports, actForTenant('acme'), 'x')).rejects.toMatchObject({ code: 'run-not-found' });
});
