// What every RunStore must do, whatever it keeps its runs in.

import { beforeAll, describe, expect, test } from 'vitest';
import type { RunStore } from '../../lambdas/core/ports/runs.ts';
import { NO_USAGE, type Run } from '../../lambdas/core/run.ts';
import { buildRecord, buildRun } from '../support/build-run.ts';

const LEASE_MS = 30_000;
const ENDED = { usage: NO_USAGE, handledErrors: 0, endedAt: Date.now() } as const;
const HOOK = { url: 'https://example.com/done', method: 'POST', headers: { 'x-secret': 's3cret' } } as const;

export function describeRunStore(name: string, make: () => RunStore | Promise<RunStore>): void {
  describe(`the run store on ${name}`, () => {
    let store: RunStore;
    beforeAll(async () => {
      store = await make();
    });

    async function accepted(
      extra: Partial<Run> = {},
      more: { inputs?: object; searchable?: Record<string, string> } = {},
    ): Promise<Run> {
      const run = buildRun(extra);
      const webhooks = Array.from({ length: run.webhookCount }, () => HOOK);
      await store.create({
        run,
        inputs: { topic: 'News', ...more.inputs },
        webhooks,
        searchable: more.searchable ?? {},
      });
      return run;
    }

    async function claimed(run: Run, now = Date.now()): Promise<Run> {
      const claim = await store.claim(run.id, { now, leaseUntil: now + LEASE_MS });
      if (claim.kind !== 'claimed') throw new Error(`refused: ${JSON.stringify(claim.run)}`);
      return claim.run;
    }

    const suspension = (extra: object = {}) => ({
      status: 'waiting' as const,
      dueAt: Date.now() + 60_000,
      handoff: true,
      usage: NO_USAGE,
      handledErrors: 0,
      ...extra,
    });

    test('keeps a run with its inputs and planned webhooks, whose headers it shows to nobody but the delivery', async () => {
      const run = await accepted({ webhookCount: 1, user: 'u1', metadata: { a: [1] } });
      expect(await store.get(run.id)).toEqual(run);
      const record = await store.read(run.id);
      expect(record).toMatchObject({ run, inputs: { topic: 'News' }, outputs: null });
      expect(record?.deliveries).toMatchObject([{ n: 1, url: HOOK.url, status: 'pending', attempts: [] }]);
      expect(await store.get('01890000-0000-7000-8000-000000000000')).toBeUndefined();
    });

    describe('who started a run, and the credentials that came with it', () => {
      const credentials = { crm: { token: 's3cret' } };
      const create = async (extra: Partial<Run> = {}) => {
        const run = buildRun(extra);
        await store.create({ run, inputs: { a: 1 }, webhooks: [], searchable: {}, startedBy: 'key_1', credentials });
        return run;
      };

      test('are there for whoever reads or runs it, and in no list', async () => {
        const run = await create({ credentials: 'once', tenant: `starter-${name}` });
        expect(await store.read(run.id)).toMatchObject({ startedBy: 'key_1', plugins: ['crm'], run });
        expect(await store.load(run.id)).toMatchObject({ startedBy: 'key_1', credentials });
        await expect.poll(async () => (await store.list({ tenant: run.tenant, limit: 5 })).runs).toHaveLength(1);
        const listed = JSON.stringify([await store.list({ tenant: run.tenant, limit: 5 }), await store.get(run.id)]);
        expect(listed).not.toMatch(/key_1|s3cret|crm/);
      });

      test('end with the run, unless it keeps them; their plugins are still known', async () => {
        for (const kept of ['once', 'kept'] as const) {
          const run = await claimed(await create({ credentials: kept }));
          expect(await store.settle(run, { ...ENDED, status: 'failed', outputs: null })).toMatchObject({
            kind: 'settled',
          });
          expect((await store.load(run.id)).credentials).toEqual(kept === 'kept' ? credentials : undefined);
          expect(await store.read(run.id)).toMatchObject({ startedBy: 'key_1', plugins: ['crm'], inputs: { a: 1 } });
        }
      });

      test('stay where the run is not settled by whoever has lost it', async () => {
        const run = await create({ credentials: 'once' });
        const zombie = await claimed(run);
        await claimed(run, Date.now() + LEASE_MS + 1);
        expect(await store.settle(zombie, { ...ENDED, status: 'failed', outputs: null })).toEqual({ kind: 'lost' });
        expect((await store.load(run.id)).credentials).toEqual(credentials);
      });
    });

    describe('an idempotency key', () => {
      const create = (run: Run, idempotency: { key: string; fingerprint: string; replaces?: string }) =>
        store.create({ run, inputs: {}, webhooks: [], searchable: {}, idempotency });

      test('gives the first run to everybody after it, with what was asked for', async () => {
        const [first, second] = [buildRun(), buildRun()];
        expect(await create(first, { key: 'k1', fingerprint: 'a' })).toEqual({ kind: 'created' });
        expect(await create(second, { key: 'k1', fingerprint: 'b' })).toEqual({
          kind: 'duplicate',
          runId: first.id,
          fingerprint: 'a',
        });
        expect(await store.get(second.id)).toBeUndefined();
      });

      test('belongs to its tenant', async () => {
        await create(buildRun({ tenant: 'one' }), { key: 'k2', fingerprint: 'a' });
        expect(await create(buildRun({ tenant: 'two' }), { key: 'k2', fingerprint: 'a' })).toEqual({ kind: 'created' });
      });

      test('goes over to another run only from the one that was seen', async () => {
        const [first, second, third] = [buildRun(), buildRun(), buildRun()];
        await create(first, { key: 'k3', fingerprint: 'a' });
        expect(await create(second, { key: 'k3', fingerprint: 'a', replaces: first.id })).toEqual({ kind: 'created' });
        expect(await create(third, { key: 'k3', fingerprint: 'a', replaces: first.id })).toMatchObject({
          kind: 'duplicate',
          runId: second.id,
        });
      });
    });

    describe('the lease', () => {
      test('goes to one of several who claim at once, and counts the epoch', async () => {
        const run = await accepted();
        const now = Date.now();
        const claims = await Promise.all([1, 2, 3].map(() => store.claim(run.id, { now, leaseUntil: now + LEASE_MS })));
        expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
        expect(await store.get(run.id)).toMatchObject({ epoch: 1, crashes: 0, status: 'running', startedAt: now });
      });

      test('of somebody who died is taken over, and counts as a crash', async () => {
        const run = await accepted();
        const now = Date.now();
        await claimed(run, now);
        expect(await store.claim(run.id, { now: now + LEASE_MS - 1, leaseUntil: now + 60_000 })).toMatchObject({
          kind: 'refused',
        });
        const taken = await store.claim(run.id, { now: now + LEASE_MS + 1, leaseUntil: now + 60_001 });
        expect(taken).toMatchObject({ kind: 'claimed', run: { epoch: 2, crashes: 1 } });
      });

      test('fences a zombie: it can neither renew, suspend nor settle', async () => {
        const run = await accepted();
        const now = Date.now();
        const zombie = await claimed(run, now);
        const heir = await claimed(run, now + LEASE_MS + 1);
        expect(await store.renew(run.id, zombie.epoch, now + 90_000)).toEqual({ kind: 'lost' });
        expect(await store.suspend(zombie, suspension())).toEqual({ kind: 'lost' });
        expect(await store.settle(zombie, { ...ENDED, status: 'failed', outputs: null })).toEqual({ kind: 'lost' });
        expect(await store.settle(heir, { ...ENDED, status: 'succeeded', outputs: { ok: true } })).toMatchObject({
          run: { status: 'succeeded' },
        });
        expect(await store.settle(heir, { ...ENDED, status: 'failed', outputs: null })).toEqual({ kind: 'lost' });
        expect(await store.read(run.id)).toMatchObject({ run: { status: 'succeeded' }, outputs: { ok: true } });
      });

      test('is refused to an execution of an earlier handoff', async () => {
        const run = await accepted();
        await store.suspend(await claimed(run), suspension());
        const now = Date.now();
        expect(await store.claim(run.id, { now, leaseUntil: now + 1, handoff: 0 })).toMatchObject({ kind: 'refused' });
        expect(await store.claim(run.id, { now, leaseUntil: now + LEASE_MS, handoff: 1 })).toMatchObject({
          kind: 'claimed',
        });
      });

      test('of a waiting run, and of one whose end was begun by somebody who died, leaves nothing of the wait', async () => {
        const run = await accepted();
        const waiting = suspension({ waitingFor: 'callback', wakeAt: Date.now() + 5_000 });
        await store.suspend(await claimed(run), waiting);
        await store.park(run.id, { handoff: 1, token: 't' });
        const now = Date.now();
        await store.claim(run.id, { now, leaseUntil: now + LEASE_MS, ending: true });
        expect(await store.get(run.id)).toMatchObject({ status: 'waiting', waitingFor: 'callback', parkToken: 't' });
        const heir = await claimed(run, now + LEASE_MS + 1);
        expect(heir).toMatchObject({ status: 'running', crashes: 1 });
        for (const gone of ['waitingFor', 'wakeAt', 'parkToken']) expect(heir).not.toHaveProperty(gone);
      });

      test('to end a run does not count as its start', async () => {
        const run = await accepted();
        const now = Date.now();
        const claim = await store.claim(run.id, { now, leaseUntil: now + LEASE_MS, ending: true });
        expect(claim).toMatchObject({ kind: 'claimed', run: { status: 'pending', epoch: 1 } });
        expect((await store.get(run.id))?.startedAt).toBeUndefined();
      });
    });

    describe('the record of a unit', () => {
      test('stays once the unit has ended, whoever else has ended it', async () => {
        const run = await accepted();
        const first = buildRecord('fetch', { output: { by: 'first' } });
        expect(await store.recordNode(run, first)).toEqual(first);
        expect(await store.recordNode(run, buildRecord('fetch', { output: { by: 'late' }, epoch: 2 }))).toEqual(first);
        expect((await store.load(run.id)).records).toEqual([first]);
      });

      test('that waits gives way to its end', async () => {
        const run = await accepted();
        const { output, endedAt, ...begun } = buildRecord('review', {
          status: 'waiting',
          wait: { kind: 'callback', until: 5 },
        });
        await store.recordNode(run, begun);
        const ended = buildRecord('review', { seq: 9 });
        expect(await store.recordNode(run, ended)).toEqual(ended);
      });

      test('of a wait is not replaced by one who lost the run before it', async () => {
        const run = await accepted();
        const waiting = (epoch: number) => {
          const { output, endedAt, ...begun } = buildRecord('review', {
            epoch,
            status: 'waiting',
            wait: { kind: 'timer', until: epoch },
          });
          return begun;
        };
        await store.recordNode(run, waiting(2));
        expect(await store.recordNode(run, waiting(1))).toEqual(waiting(2));
        expect(await store.recordNode(run, buildRecord('review', { epoch: 1 }))).toEqual(waiting(2));
        expect(await store.recordNode(run, waiting(3))).toEqual(waiting(3));
      });

      test('holds outputs that are too large for an item', async () => {
        const run = await accepted();
        const output = { text: 'x'.repeat(500_000) };
        await store.recordNode(run, buildRecord('big', { output }));
        expect((await store.load(run.id)).records[0]?.output).toEqual(output);
      });
    });

    describe('a signal', () => {
      test('is stored once for each path, and only while the run lives', async () => {
        const run = await accepted();
        const signal = { path: 'review', payload: { yes: true }, at: 1 };
        expect(await store.signal(run.id, signal, 5)).toMatchObject({ kind: 'stored', run: { signals: 1, dueAt: 5 } });
        expect(await store.signal(run.id, signal, 6)).toEqual({ kind: 'duplicate' });
        expect((await store.load(run.id)).signals).toEqual([signal]);
        await store.settle(await claimed(run), { ...ENDED, status: 'succeeded', outputs: null });
        expect(await store.signal(run.id, { ...signal, path: 'other' }, 7)).toEqual({ kind: 'settled' });
      });

      test('that comes while the run goes to wait is not overlooked', async () => {
        const run = await accepted();
        const held = await claimed(run);
        await store.signal(run.id, { path: 'review', payload: 1, at: 1 }, 5);
        expect(await store.suspend(held, suspension())).toEqual({ kind: 'signaled' });
        const seen = { ...held, signals: 1 };
        expect(await store.suspend(seen, suspension())).toMatchObject({
          kind: 'suspended',
          run: { status: 'waiting', handoffs: 1, seenSignals: 1 },
        });
        expect(await store.park(run.id, { handoff: 1, token: 't' })).toEqual({ kind: 'parked' });
        await store.signal(run.id, { path: 'later', payload: 1, at: 2 }, 6);
        expect(await store.park(run.id, { handoff: 1, token: 't2' })).toEqual({ kind: 'awake' });
      });

      test('and a cancel request are shown to whoever renews', async () => {
        const run = await accepted();
        const held = await claimed(run);
        await store.requestCancel(run.id);
        await store.signal(run.id, { path: 'x', payload: 1, at: 1 }, 5);
        expect(await store.renew(run.id, held.epoch, Date.now() + LEASE_MS)).toMatchObject({
          kind: 'renewed',
          run: { cancelRequested: true, signals: 1 },
        });
        expect(await store.suspend(held, suspension())).toEqual({ kind: 'signaled' });
      });
    });

    test('settling writes a delivery for each webhook, with the headers that were asked for', async () => {
      const run = await accepted({ webhookCount: 2 });
      const settled = await store.settle(await claimed(run), {
        ...ENDED,
        status: 'failed',
        outputs: null,
        error: { code: 'x', message: 'y', node: null },
      });
      expect(settled).toMatchObject({ deliveries: [{ n: 1 }, { n: 2 }], run: { error: { code: 'x' } } });
      expect(await store.delivery(run.id, 2)).toMatchObject({
        n: 2,
        url: HOOK.url,
        headers: HOOK.headers,
        status: 'pending',
        nextAt: ENDED.endedAt,
      });
      expect(await store.get(run.id)).not.toHaveProperty('dueAt');
    });

    test('an attempt is recorded once, however many workers tried', async () => {
      const run = await accepted({ webhookCount: 1 });
      await store.settle(await claimed(run), { ...ENDED, status: 'succeeded', outputs: null });
      const delivery = await store.delivery(run.id, 1);
      if (!delivery) throw new Error('no delivery');
      const attempt = { at: 1, durationMs: 2, status: 503 };
      const results = await Promise.all(
        [1, 2].map(() => store.recordAttempt(delivery, attempt, { status: 'pending', nextAt: 9, dueAt: 10 })),
      );
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await store.delivery(run.id, 1)).toMatchObject({ attempts: [attempt], nextAt: 9 });
    });

    test('an attempt is deferred unless anything happened meanwhile, and its record ends that', async () => {
      const run = await accepted({ webhookCount: 1 });
      await store.settle(await claimed(run), { ...ENDED, status: 'succeeded', outputs: null });
      const delivery = await store.delivery(run.id, 1);
      if (!delivery) throw new Error('no delivery');
      const to = { nextAt: ENDED.endedAt + 5, dueAt: ENDED.endedAt + 6, deferredAt: ENDED.endedAt + 1 };
      expect(await store.deferDelivery(delivery, to)).toBe(true);
      expect(await store.deferDelivery(delivery, to), 'it was deferred meanwhile').toBe(false);
      const later = await store.delivery(run.id, 1);
      expect(later).toEqual({ ...delivery, nextAt: to.nextAt, deferredAt: to.deferredAt });
      const attempt = { at: 1, durationMs: 2, status: 503 };
      await store.recordAttempt(delivery, attempt, { status: 'pending', nextAt: to.nextAt, dueAt: to.dueAt });
      expect(await store.deferDelivery(later ?? delivery, to), 'it was tried meanwhile').toBe(false);
      expect(await store.delivery(run.id, 1)).toEqual({ ...delivery, attempts: [attempt], nextAt: to.nextAt });
    });

    test('the due index holds what the sweeper must look at, and nothing that has ended', async () => {
      const early = 1_000_000;
      const run = await accepted({ createdAt: early, dueAt: early });
      const other = await accepted({ createdAt: early, dueAt: early + 500 });
      const mine = [run.id, other.id];
      const ids = async (now: number) =>
        (await store.due(now, 100)).flatMap((it) => (it.kind === 'run' && mine.includes(it.id) ? it.id : []));
      await expect.poll(() => ids(early)).toEqual([run.id]);
      await expect.poll(() => ids(early + 500)).toEqual([run.id, other.id]);
      await store.postpone(run, early + 1_000);
      await store.postpone({ ...other, dueAt: 7 }, early + 2_000);
      await expect.poll(() => ids(early + 500)).toEqual([other.id]);
      for (const it of [run, other])
        await store.settle(await claimed(it), { ...ENDED, status: 'canceled', outputs: null });
      await expect.poll(() => ids(early + 1_000_000)).toEqual([]);
    });

    test('the due index holds a run that has ended as long as there is something to do for it', async () => {
      const run = await accepted();
      const ids = async (now: number) =>
        (await store.due(now, 100)).flatMap((it) => (it.kind === 'run' && it.id === run.id ? it.id : []));
      await store.finish(run);
      expect(await store.get(run.id)).toMatchObject({ dueAt: run.dueAt });
      const held = await claimed(run);
      const end = { ...ENDED, status: 'failed', outputs: null, dueAt: 2_000_000 } as const;
      expect(await store.settle(held, end)).toMatchObject({
        kind: 'settled',
        run: { status: 'failed', dueAt: 2_000_000 },
      });
      await expect.poll(() => ids(1_999_999)).toEqual([]);
      await expect.poll(() => ids(2_000_000)).toEqual([run.id]);
      await store.finish(run);
      expect((await store.get(run.id))?.dueAt).toBeUndefined();
      await expect.poll(() => ids(2_000_000)).toEqual([]);
    });

    test('lists a tenant newest first, page after page, by every filter', async () => {
      const tenant = `lister-${name}`;
      const base = Date.now() - 10_000;
      const runs: Run[] = [];
      for (let n = 0; n < 5; n += 1) {
        const extra = {
          tenant,
          createdAt: base + n,
          flow: n < 4 ? 'news' : 'other',
          user: `u${n % 2}`,
          ...(n === 0 && { env: 'debug' as const }),
          ...(n === 1 && { echo: { name: 'unsought', texts: ['Show me'] } }),
        };
        runs.push(await accepted(extra, { inputs: { n: String(n) }, searchable: { n: String(n % 2) } }));
      }
      const ids = runs.map(({ id }) => id).reverse();
      const list = async (query: object) =>
        (await store.list({ tenant, limit: 10, ...query })).runs.map(({ id }) => id);
      await expect.poll(() => list({})).toEqual(ids);
      const first = await store.list({ tenant, limit: 2 });
      const second = await store.list({ tenant, limit: 2, cursor: first.next ?? '' });
      expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(ids.slice(0, 4));
      expect(await list({ flow: 'other' })).toEqual([ids[0]]);
      expect(await list({ user: 'u1' })).toEqual([ids[1], ids[3]]);
      expect(await list({ env: 'debug' })).toEqual([ids[4]]);
      expect(await list({ flow: 'news', indexed: { n: '1' } })).toEqual([ids[1], ids[3]]);
      expect(await list({ inputs: { n: '2' } })).toEqual([ids[2]]);
      expect(await list({ q: ids[3] })).toEqual([ids[3]]);
      expect(await list({ q: ids[3]?.toUpperCase() })).toEqual([ids[3]]);
      expect(await list({ q: 'nEWs' })).toEqual(ids);
      expect(await list({ q: 'show ME' })).toEqual([ids[3]]);
      expect(await list({ q: 'unsought' })).toEqual([]);
      expect(await list({ q: 'nothing like it' })).toEqual([]);
      expect(await list({ from: base + 1, to: base + 3 })).toEqual([ids[2], ids[3]]);
      expect(await list({ status: 'running' })).toEqual([]);
      expect(await store.list({ tenant: 'nobody', limit: 5 })).toEqual({ runs: [], next: null });
    });
  });
}
