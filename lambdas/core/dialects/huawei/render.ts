// Runs and nodes as Huawei's clients read them, in a stream and in one piece.

import { findNodeAt } from '../../flow/node-at.ts';
import type { Plan } from '../../flow/plan.ts';
import type { Json } from '../../json.ts';
import type { NodeRecord, Run, RunRecord } from '../../run.ts';
import { renderOutputText } from '../output-text.ts';
import { renderCode } from './errors.ts';

/** The run that a response or a stream is about. */
export interface RunContext {
  run: Run;
  plan: Plan;
  conversation: string;
  /** The id of the flow in the request. */
  workflowId: string;
  /** What the caller said: the inputs of a new run, or the answer to a question. */
  said: Json;
  /** The number of the last event before this call; 0 for a new run. */
  after: number;
}

export type NodeHead = { node_id: string; node_type: string; node_name: string };

// The vendor's clients know by the message of the End node that the run is complete.
export const END: NodeHead = { node_id: 'node_end', node_type: 'End', node_name: 'End' };

export function renderNodeHead({ plan }: RunContext, path: string): NodeHead {
  const node = findNodeAt(plan.nodes, path);
  return { node_id: path, node_type: node?.type ?? 'node', node_name: node?.title ?? node?.id ?? path };
}

/** One event of a stream. */
export interface Frame {
  event: string;
  data: object;
  createdTime: number;
  conversation_id: string;
  executionId: string;
}

export function renderEvent({ run, conversation }: RunContext, event: string, data: object, at: number): Frame {
  return { event, data, createdTime: at, conversation_id: conversation, executionId: run.id };
}

export function renderMessage(
  context: RunContext,
  message: { node: NodeHead; text: string | null; index: number; at: number },
) {
  const { node, text, index, at } = message;
  const workflow = { workflow_id: context.workflowId, workflow_name: context.run.flow };
  return renderEvent(context, 'message', { text, index, ...node, ...workflow, createdTime: at }, at);
}

export function renderEndMessage(
  context: RunContext,
  record: RunRecord,
  message: { index: number; hasText: boolean; at: number },
) {
  const text = message.hasText ? null : renderOutputText(record.outputs);
  return renderMessage(context, { node: END, text, index: message.index, at: message.at });
}

/** Also the body of a failed call: its status is 500, and the SDK reads `error_code` and `error_msg`. */
export function renderFailure(context: RunContext, { error, status }: Run, message: { index: number; at: number }) {
  const code = status === 'canceled' ? renderCode('run-canceled') : renderCode(error?.code ?? 'internal');
  const text = status === 'canceled' ? 'The run was canceled' : (error?.message ?? 'The run failed');
  const { data, ...rest } = renderMessage(context, { node: END, text: null, ...message });
  return { ...rest, event: 'error', data: { ...data, code, message: text }, error_code: code, error_msg: text };
}

export function renderNodeEvent(
  context: RunContext,
  event: 'node_started' | 'node_finished' | 'node_wait',
  unit: { path: string; at: number; record?: NodeRecord },
) {
  const { path, at, record } = unit;
  const began = event === 'node_wait' ? 'waiting' : 'running';
  const data = {
    ...renderNodeHead(context, path),
    node_status: event,
    status: describe(record?.status ?? began),
    start_time: record?.startedAt ?? at,
    end_time: record?.endedAt,
  };
  return renderEvent(context, event, data, at);
}

export const CODES = { succeeded: 0, running: 1, waiting: 2, failed: 3 } as const;

export const describe = (desc: keyof typeof CODES) => ({ code: CODES[desc], desc });

export const renderStatus = (run: Run) => describe(describeStatus(run));

function describeStatus({ status }: Run): keyof typeof CODES {
  if (status === 'succeeded' || status === 'waiting') return status;
  return status === 'failed' || status === 'canceled' ? 'failed' : 'running';
}
