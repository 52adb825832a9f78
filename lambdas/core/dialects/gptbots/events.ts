// What GPTBots sends when a run has ended: it has no streams, only webhooks.

import type { WebhookEvent } from '../../deliver/event.ts';
import type { RunRecord } from '../../run.ts';
import { renderRun, STATUS } from './render.ts';

export function renderWebhook(record: RunRecord): WebhookEvent {
  const { id, status } = record.run;
  return { body: renderRun(record), query: { workflowRunId: id, status: STATUS[status] } };
}
