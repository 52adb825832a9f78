// The frames of a run: every event one JSON object with its name, and the message of the End node before the end,
// by which the vendor's clients know that the run is complete.

import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan } from '../../flow/plan.ts';
import type { NodeRecord, Run, RunRecord } from '../../run.ts';
import { outputText } from '../output-text.ts';
import { vendorCode } from './errors.ts';

export interface Told {
  run: Run;
  plan: Plan;
  conversation: string;
  /** The id under which the caller asked for the flow. */
  workflowId: string;
}

type NodeWords = { node_id: string; node_type: string; node_name: string };

const END: NodeWords = { node_id: 'node_end', node_type: 'End', node_name: 'End' };

export function nodeWords({ plan }: Told, path: string): NodeWords {
  const node = findNodeAt(plan.nodes, path);
  return { node_id: path, node_type: node?.type ?? 'node', node_name: node?.title ?? node?.id ?? path };
}

export function frame({ run, conversation }: Told, event: string, data: object, at: number) {
  return { event, data, createdTime: at, conversation_id: conversation, executionId: run.id };
}

export function messageFrame(told: Told, message: { node: NodeWords; text: string | null; index: number; at: number }) {
  const { node, text, index, at } = message;
  const workflow = { workflow_id: told.workflowId, workflow_name: told.run.flow };
  return frame(told, 'message', { text, index, ...node, ...workflow, createdTime: at }, at);
}

export function endFrame(told: Told, record: RunRecord, message: { index: number; isTold: boolean; at: number }) {
  const text = message.isTold ? null : outputText(record.outputs);
  return messageFrame(told, { node: END, text, index: message.index, at: message.at });
}

/** Also the body of a failed call: its status is 500, and the SDK reads `error_code` and `error_msg`. */
export function errorFrame(told: Told, { error, status }: Run, message: { index: number; at: number }) {
  const code = status === 'canceled' ? vendorCode('run-canceled') : vendorCode(error?.code ?? 'internal');
  const text = status === 'canceled' ? 'The run was canceled' : (error?.message ?? 'The run failed');
  const { data, ...rest } = messageFrame(told, { node: END, text: null, ...message });
  return { ...rest, event: 'error', data: { ...data, code, message: text }, error_code: code, error_msg: text };
}

const DESCRIBED = { succeeded: 'succeeded', failed: 'failed', waiting: 'waiting' } as const;

export function nodeFrame(
  told: Told,
  event: 'node_started' | 'node_finished' | 'node_wait',
  unit: { path: string; at: number; record?: NodeRecord },
) {
  const { path, at, record } = unit;
  const desc = record ? DESCRIBED[record.status] : 'running';
  const data = {
    ...nodeWords(told, path),
    node_status: event,
    status: { code: CODES[desc], desc },
    start_time: record?.startedAt ?? at,
    end_time: record?.endedAt,
  };
  return frame(told, event, data, at);
}

export const CODES = { succeeded: 0, running: 1, waiting: 2, failed: 3 } as const;

export function renderStatus(run: Run): { code: number; desc: keyof typeof CODES } {
  const desc = wordOf(run);
  return { code: CODES[desc], desc };
}

function wordOf({ status }: Run): keyof typeof CODES {
  if (status === 'succeeded' || status === 'waiting') return status;
  return status === 'failed' || status === 'canceled' ? 'failed' : 'running';
}
