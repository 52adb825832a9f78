// A run as Qianfan has it: its ids, and its content in two forms, as the result of an asynchronous run and as the response of
// a component.

import * as z from 'zod';
import type { Run, RunRecord } from '../../run.ts';
import { isSettled } from '../../run.ts';
import type { NodeView } from '../../runs/nodes-view.ts';
import { renderOutputText } from '../output-text.ts';
import { stableUuid } from '../stable-uuid.ts';

const echoSchema = z.object({ conversation_id: z.string(), user_id: z.string() });

export function renderIds(run: Run) {
  const echo = echoSchema.safeParse(run.echo).data;
  return {
    conversation_id: echo?.conversation_id ?? '',
    message_id: stableUuid('qianfan message', run.id),
    trace_id: stableUuid('qianfan trace', run.id),
    user_id: echo?.user_id ?? '',
    end_user_id: run.user ?? '',
  };
}

/** Qianfan has no status for a failed or canceled run: the content has an error event. */
export function renderProblem({ status, error }: Run): { code: string; message: string } | undefined {
  if (status === 'canceled') return { code: 'Cancelled', message: 'The run was canceled' };
  if (status === 'failed') return { code: error?.code ?? 'internal', message: error?.message ?? 'The run failed' };
  return undefined;
}

/** The result of an asynchronous run. `is_completion` is a string here. */
export function renderRun({ run, outputs }: RunRecord, nodes: readonly NodeView[]) {
  const problem = renderProblem(run);
  const event = problem
    ? { type: 'error', name: problem.code, text: { error_code: problem.code, error_message: problem.message } }
    : { type: 'text', name: 'output', text: { info: renderOutputText(outputs) } };
  return {
    ...renderIds(run),
    is_completion: String(isSettled(run.status)),
    ...(problem ?? {}),
    content: [
      {
        name: '异步执行',
        type: 'asynchronize',
        text: { event: isSettled(run.status) ? [event] : [], node_results: nodes.map(renderNode) },
      },
    ],
  };
}

function renderNode(node: NodeView) {
  return {
    node_id: node.path,
    node_name: node.title ?? node.node,
    node_type: node.type,
    node_status: node.status,
    outputs: node.output,
    error_code: node.error?.code ?? '',
    error_message: node.error?.message ?? '',
    start_time: node.startedAt,
    end_time: node.endedAt,
  };
}

export interface ComponentState {
  status: 'running' | 'done' | 'error' | 'interrupt';
  text?: string;
  name?: string;
  at: number;
}

/** One object of a component's response: the only one without a stream, one of several with it. */
export function renderComponent(run: Run, requestId: string, { status, text, name = run.flow, at }: ComponentState) {
  const problem = status === 'error' ? renderProblem(run) : undefined;
  return {
    request_id: requestId,
    code: problem?.code ?? '',
    message: problem?.message ?? '',
    ...renderIds(run),
    status,
    is_completion: status === 'done' || status === 'error',
    role: 'tool',
    content:
      text === undefined && !problem
        ? []
        : [
            {
              name,
              visible_scope: 'all',
              raw_data: {},
              usage: {},
              metrics: {},
              type: 'text',
              text: { info: text ?? '' },
              event: {
                id: run.id,
                status: status === 'interrupt' ? 'running' : status,
                name,
                created_time: new Date(at).toISOString(),
                error_code: problem?.code ?? '',
                error_message: problem?.message ?? '',
              },
            },
          ],
  };
}

export function renderStatus(run: Run): ComponentState['status'] {
  if (run.status === 'succeeded') return 'done';
  if (isSettled(run.status)) return 'error';
  return run.status === 'waiting' ? 'interrupt' : 'running';
}

export const renderText = ({ run, outputs }: RunRecord): { text?: string } =>
  run.status === 'succeeded' ? { text: renderOutputText(outputs) } : {};
