// The run and its deliveries as the native API and the native webhooks show them. Other dialects have shapes of their own.

import type { Failure } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type {
  Delivery,
  DeliveryStatus,
  DialectName,
  Run,
  RunMode,
  RunRecord,
  RunStatus,
  WaitKind,
  Webhook,
} from '../run.ts';

const MICROS = 1_000_000;

/** Times are ISO 8601 in UTC with milliseconds; what is not there (yet) is null. */
export type RunView = {
  id: string;
  flow: string;
  version: string;
  env: Run['env'];
  mode: RunMode;
  dialect: DialectName;
  status: RunStatus;
  waitingFor?: WaitKind;
  inputs: JsonObject;
  outputs: JsonObject | null;
  error: Failure | null;
  usage: { totalTokens: number; cost: number; currency: 'USD'; steps: number };
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
  deadlineAt: string;
  durationMs: number | null;
  user: string | null;
  metadata: JsonObject | null;
  webhooks: WebhookView[];
  rerunOf?: Run['rerunOf'];
  /** The run and node that started this one. */
  parent?: { run: string; path: string };
};

/** `attempts` counts them; their log is a call of its own. Headers are never shown. */
type WebhookView = {
  n: number;
  url: string;
  method: Webhook['method'];
  status: DeliveryStatus;
  attempts: number;
};

export type DeliveryView = Omit<WebhookView, 'attempts'> & {
  nextAt: string | null;
  attempts: {
    at: string;
    durationMs: number;
    status: number | null;
    response: string | null;
    error: string | null;
    manual: boolean;
  }[];
};

export function renderRun({ run, inputs, outputs, deliveries }: RunRecord): RunView {
  return {
    id: run.id,
    flow: run.flow,
    version: run.version,
    env: run.env,
    mode: run.mode,
    dialect: run.dialect,
    status: run.status,
    ...(run.status === 'waiting' && run.waitingFor && { waitingFor: run.waitingFor }),
    inputs,
    outputs,
    error: run.error ?? null,
    usage: {
      totalTokens: run.usage.totalTokens,
      cost: run.usage.costMicros / MICROS,
      currency: 'USD',
      steps: run.usage.steps,
    },
    createdAt: new Date(run.createdAt).toISOString(),
    startedAt: isoOrNull(run.startedAt),
    endedAt: isoOrNull(run.endedAt),
    deadlineAt: new Date(run.deadlineAt).toISOString(),
    durationMs: run.startedAt === undefined || run.endedAt === undefined ? null : run.endedAt - run.startedAt,
    user: run.user ?? null,
    metadata: run.metadata ?? null,
    webhooks: deliveries.map(({ n, url, method, status, attempts }) => ({
      n,
      url,
      method,
      status,
      attempts: attempts.length,
    })),
    rerunOf: run.rerunOf,
    ...(run.parent && { parent: { run: run.parent.run, path: run.parent.path } }),
  };
}

export function renderDelivery({ n, url, method, status, nextAt, attempts }: Delivery): DeliveryView {
  return {
    n,
    url,
    method,
    status,
    nextAt: isoOrNull(nextAt),
    attempts: attempts.map((attempt) => ({
      at: new Date(attempt.at).toISOString(),
      durationMs: attempt.durationMs,
      status: attempt.status ?? null,
      response: attempt.response ?? null,
      error: attempt.error ?? null,
      manual: attempt.manual ?? false,
    })),
  };
}

function isoOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
