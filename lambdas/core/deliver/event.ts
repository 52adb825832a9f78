// The message of a webhook about a settled run. A dialect may have its own shape; native is the default.

import type { DialectName, RunRecord } from '../run.ts';
import { renderRun } from '../runs/run-view.ts';

export interface WebhookEvent {
  /** Sent as JSON by every method but GET. */
  body: object;
  /** Appended to the URL's own query by GET, which has no body. */
  query: Record<string, string>;
}

type Shape = (record: RunRecord) => WebhookEvent;
export type Shapes = Partial<Record<DialectName, Shape>>;

/** The body of a native webhook, for documentation and receivers. */
interface RunEvent {
  type: `run.${string}`;
  timestamp: string;
  data: ReturnType<typeof renderRun>;
}

export function shapeEvent(record: RunRecord, shapes: Shapes): WebhookEvent {
  const shape = shapes[record.run.dialect] ?? shapeNative;
  return shape(record);
}

/** `url` with the parameters after its own query, which is kept as it was written; a fragment is never sent. */
export function appendQuery(url: string, query: Record<string, string>): string {
  const [base = ''] = url.split('#', 1);
  const separator = base.includes('?') ? (/[?&]$/.test(base) ? '' : '&') : '?';
  return `${base}${separator}${new URLSearchParams(query)}`;
}

function shapeNative(record: RunRecord): WebhookEvent {
  const { run } = record;
  const body: RunEvent = {
    type: `run.${run.status}`,
    // The time of the event; `webhook-timestamp` has the time of the attempt.
    timestamp: new Date(run.endedAt ?? run.createdAt).toISOString(),
    data: renderRun(record),
  };
  return { body, query: { runId: run.id, status: run.status } };
}
