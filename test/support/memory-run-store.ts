// A RunStore in memory: the same moves under the same conditions, proven by the same suite as the one on DynamoDB.

import type { JsonObject } from '../../lambdas/core/json.ts';
import { UNPICKED_SECONDS } from '../../lambdas/core/limits.ts';
import type { Due, NewRun, RunQuery, RunStore } from '../../lambdas/core/ports/runs.ts';
import { type Delivery, isSettled, listTexts, type NodeRecord, type Run, type Signal } from '../../lambdas/core/run.ts';

interface Entry {
  run: Run;
  accepted: NewRun;
  plugins: string[] | undefined;
  outputs: JsonObject | null;
  deliveries: Map<number, Delivery & { dueAt?: number }>;
  records: Map<string, NodeRecord>;
  signals: Map<string, Signal>;
}

const copy = <Value>(value: Value): Value => structuredClone(value);

function without<Key extends keyof Run>(run: Run, ...keys: Key[]): Run {
  const rest = { ...run };
  for (const key of keys) delete rest[key];
  return rest;
}

export interface MemoryRunStore extends RunStore {
  runs: ReadonlyMap<string, { run: Run; records: ReadonlyMap<string, NodeRecord> }>;
}

export function makeMemoryRunStore(): MemoryRunStore {
  const entries = new Map<string, Entry>();
  const idempotency = new Map<string, { runId: string; fingerprint: string }>();
  const live = (id: string): Entry | undefined => {
    const entry = entries.get(id);
    return entry && !isSettled(entry.run.status) ? entry : undefined;
  };
  const planned = ({ run, accepted, deliveries }: Entry): Delivery[] =>
    deliveries.size > 0
      ? [...deliveries.values()].map(({ dueAt, ...delivery }) => copy(delivery))
      : accepted.webhooks.map((hook, index) => ({
          ...hook,
          run: run.id,
          tenant: run.tenant,
          n: index + 1,
          status: 'pending' as const,
          attempts: [],
        }));
  const findDelivery = (run: string, n: number) => entries.get(run)?.deliveries.get(n);

  return {
    runs: entries,

    async create(accepted) {
      const { run, idempotency: wanted } = accepted;
      const key = wanted && `${run.tenant} ${wanted.key}`;
      const used = key === undefined ? undefined : idempotency.get(key);
      if (used && used.runId !== wanted?.replaces) return { kind: 'duplicate', ...used };
      if (key !== undefined && wanted) idempotency.set(key, { runId: run.id, fingerprint: wanted.fingerprint });
      entries.set(run.id, {
        run: copy(run),
        accepted: copy(accepted),
        plugins: accepted.credentials && Object.keys(accepted.credentials),
        outputs: null,
        deliveries: new Map(),
        records: new Map(),
        signals: new Map(),
      });
      return { kind: 'created' };
    },
    get: async (id) => copy(entries.get(id)?.run),
    glance: async (id) => copy(entries.get(id)?.run),
    async read(id) {
      const entry = entries.get(id);
      if (!entry) return undefined;
      return copy({
        run: entry.run,
        startedBy: entry.accepted.startedBy,
        plugins: entry.plugins,
        inputs: entry.accepted.inputs,
        outputs: entry.outputs,
        deliveries: planned(entry),
      });
    },
    async list(query) {
      const all = [...entries.values()]
        .filter((entry) => fits(entry, query))
        .sort((a, b) => (a.run.id < b.run.id ? 1 : -1));
      const rest = query.cursor === undefined ? all : all.filter(({ run }) => run.id < (query.cursor ?? ''));
      const runs = rest.slice(0, query.limit).map(({ run }) => copy(run));
      return { runs, next: rest.length > query.limit ? (runs.at(-1)?.id ?? null) : null };
    },

    async claim(id, { now, leaseUntil, handoff, ending }) {
      const entry = live(id);
      const { run } = entry ?? {};
      const isOther = handoff !== undefined && run?.handoffs !== handoff;
      if (!entry || !run || isOther || (run.leaseUntil !== undefined && run.leaseUntil > now)) {
        return { kind: 'refused', run: copy(entries.get(id)?.run) };
      }
      const isDead = run.leaseUntil !== undefined;
      const kept = ending ? run : without(run, 'waitingFor', 'wakeAt', 'parkToken');
      entry.run = {
        ...kept,
        leaseUntil,
        epoch: run.epoch + 1,
        crashes: run.crashes + (isDead ? 1 : 0),
        ...(!ending && { status: 'running', startedAt: run.startedAt ?? now }),
      };
      return { kind: 'claimed', run: copy(entry.run) };
    },
    async renew(id, epoch, leaseUntil) {
      const entry = live(id);
      if (!entry || entry.run.epoch !== epoch || entry.run.leaseUntil === undefined) return { kind: 'lost' };
      entry.run = { ...entry.run, leaseUntil };
      return { kind: 'renewed', run: copy(entry.run) };
    },
    async load(id) {
      const entry = entries.get(id);
      const { accepted, records = new Map(), signals = new Map() } = entry ?? {};
      return copy({
        inputs: accepted?.inputs ?? {},
        records: [...records.values()],
        signals: [...signals.values()],
        startedBy: accepted?.startedBy,
        credentials: accepted?.credentials,
      });
    },
    async recordNode({ id }, record) {
      const records = entries.get(id)?.records;
      const current = records?.get(record.path);
      if (current && (current.status !== 'waiting' || current.epoch > record.epoch)) return copy(current);
      records?.set(record.path, copy(record));
      return copy(record);
    },
    async suspend(run, to) {
      const entry = live(run.id);
      const current = entry?.run;
      if (!entry || current?.epoch !== run.epoch || current.leaseUntil === undefined) return { kind: 'lost' };
      if (current.signals !== run.signals || current.cancelRequested) return { kind: 'signaled' };
      const { handoff, waitingFor, wakeAt, ...rest } = to;
      entry.run = {
        ...without(current, 'leaseUntil', 'parkToken'),
        ...rest,
        handoffs: current.handoffs + (handoff ? 1 : 0),
        seenSignals: run.signals,
        waitingFor,
        wakeAt,
      };
      return { kind: 'suspended', run: copy(entry.run) };
    },
    async settle(run, end) {
      const entry = live(run.id);
      if (!entry || entry.run.epoch !== run.epoch || entry.run.leaseUntil === undefined) return { kind: 'lost' };
      const { outputs, ...rest } = end;
      entry.outputs = copy(outputs);
      if (run.credentials === 'once') delete entry.accepted.credentials;
      const fresh = planned(entry).map((delivery) => ({ ...delivery, nextAt: end.endedAt }));
      entry.run = { ...without(entry.run, 'leaseUntil', 'dueAt', 'parkToken', 'wakeAt', 'waitingFor'), ...rest };
      for (const it of fresh) entry.deliveries.set(it.n, { ...it, dueAt: end.endedAt + UNPICKED_SECONDS * 1_000 });
      return copy({ kind: 'settled', run: entry.run, deliveries: fresh });
    },
    async finish({ id }) {
      const entry = entries.get(id);
      if (entry && isSettled(entry.run.status)) entry.run = without(entry.run, 'dueAt');
    },
    async park(id, { handoff, token }) {
      const entry = live(id);
      const { run } = entry ?? {};
      const isWaiting = run?.status === 'waiting' && run.handoffs === handoff && run.signals === run.seenSignals;
      if (!entry || !run || !isWaiting || run.leaseUntil !== undefined || run.cancelRequested) return { kind: 'awake' };
      entry.run = { ...run, parkToken: token };
      return { kind: 'parked' };
    },
    async requestCancel(id) {
      const entry = live(id);
      if (entry) entry.run = { ...entry.run, cancelRequested: true };
      return copy(entries.get(id)?.run);
    },
    async signal(id, signal, dueAt) {
      const entry = live(id);
      if (!entry) return { kind: 'settled' };
      if (entry.signals.has(signal.path)) return { kind: 'duplicate' };
      entry.signals.set(signal.path, copy(signal));
      entry.run = { ...entry.run, dueAt, signals: entry.run.signals + 1 };
      return { kind: 'stored', run: copy(entry.run) };
    },
    async postpone(run, dueAt, to) {
      const entry = live(run.id);
      if (!entry || (entry.run.dueAt ?? 0) !== (run.dueAt ?? 0) || (to && entry.run.leaseUntil !== undefined)) return;
      const kept = to ? without(entry.run, 'waitingFor', 'wakeAt') : entry.run;
      entry.run = { ...kept, dueAt, ...(to && { status: to }) };
    },
    async due(now, limit) {
      const found: { at: number; due: Due }[] = [];
      for (const { run, deliveries } of entries.values()) {
        if (run.dueAt !== undefined) found.push({ at: run.dueAt, due: { kind: 'run', id: run.id } });
        for (const { n, dueAt } of deliveries.values()) {
          if (dueAt !== undefined) found.push({ at: dueAt, due: { kind: 'delivery', run: run.id, n } });
        }
      }
      return found
        .filter(({ at }) => at <= now)
        .sort((a, b) => a.at - b.at)
        .slice(0, limit)
        .map(({ due }) => due);
    },

    async delivery(run, n) {
      const { dueAt, ...delivery } = findDelivery(run, n) ?? { n: 0 };
      return delivery.n === 0 ? undefined : copy(delivery as Delivery);
    },
    async recordAttempt(delivery, attempt, next) {
      const current = findDelivery(delivery.run, delivery.n);
      if (!current || current.attempts.length !== delivery.attempts.length) return false;
      const { nextAt, dueAt, deferredAt, ...kept } = current;
      entries
        .get(delivery.run)
        ?.deliveries.set(delivery.n, { ...kept, ...next, attempts: [...current.attempts, attempt] });
      return true;
    },
    async reopenDelivery(delivery, now) {
      const current = findDelivery(delivery.run, delivery.n);
      if (current) Object.assign(current, { status: 'pending', nextAt: now, dueAt: now + UNPICKED_SECONDS * 1_000 });
    },
    async postponeDelivery(delivery, dueAt) {
      const current = findDelivery(delivery.run, delivery.n);
      if (current?.status === 'pending' && current.attempts.length === delivery.attempts.length) current.dueAt = dueAt;
    },
    async deferDelivery(delivery, to) {
      const current = findDelivery(delivery.run, delivery.n);
      const isSame = current?.attempts.length === delivery.attempts.length && current.nextAt === delivery.nextAt;
      if (!isSame || current.status !== 'pending') return false;
      Object.assign(current, to);
      return true;
    },
  };
}

function fits({ run, accepted }: Entry, query: RunQuery): boolean {
  const sought = query.q?.toLowerCase();
  return (
    run.tenant === query.tenant &&
    (query.flow ?? run.flow) === run.flow &&
    (query.status ?? run.status) === run.status &&
    (query.mode ?? run.mode) === run.mode &&
    (query.env ?? run.env) === run.env &&
    (query.dialect ?? run.dialect) === run.dialect &&
    (query.user ?? run.user) === run.user &&
    run.createdAt >= (query.from ?? 0) &&
    run.createdAt < (query.to ?? Number.POSITIVE_INFINITY) &&
    Object.entries(query.indexed ?? {}).every(([name, value]) => accepted.searchable[name] === value) &&
    Object.entries(query.inputs ?? {}).every(([name, value]) => text(accepted.inputs[name]) === value) &&
    (sought === undefined ||
      run.id === sought ||
      listTexts(run, accepted.inputs).some((it) => it.toLowerCase().includes(sought)))
  );
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
