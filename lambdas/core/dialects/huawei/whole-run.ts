// A run in one response: its result, what was said in it, what became of its nodes and, in debug mode, the events of the stream.

import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import type { NodeRecord, RunRecord } from '../../run.ts';
import { replay } from '../../runs/replay.ts';
import { renderOutputText } from '../output-text.ts';
import { renderItems } from './events.ts';
import {
  describe,
  END,
  type NodeHead,
  type RunContext,
  renderFailure,
  renderNodeHead,
  renderStatus,
} from './render.ts';

const START: NodeHead = { node_id: 'node_start', node_type: 'Start', node_name: 'Start' };

export async function renderRun(ports: Ports, context: RunContext, record: RunRecord) {
  const { run, outputs } = record;
  if (run.status === 'failed' || run.status === 'canceled') {
    return renderFailure(context, run, { index: 0, at: run.endedAt ?? run.createdAt });
  }
  const { records } = await ports.runs.load(run.id);
  const nodes = records.filter(({ seq }) => seq > context.after).sort((a, b) => a.seq - b.seq);
  return {
    conversation_id: context.conversation,
    executionId: run.id,
    outputs: outputs ?? {},
    messages: renderMessages(context, record, nodes),
    error_code: '',
    error_message: '',
    metadata: {},
    status: renderStatus(run),
    start_time: run.startedAt ?? run.createdAt,
    end_time: run.endedAt,
    node_info: nodes.map((node) => renderNodeInfo(context, node)),
    events: run.env === 'debug' ? await renderDebugEvents(ports, { ...context, run }, records) : [],
  };
}

const toText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

function renderMessages(context: RunContext, { run, outputs }: RunRecord, nodes: readonly NodeRecord[]) {
  const render = (role: 'user' | 'assistant', node: NodeHead, said: { content: string; at: number }) => ({
    role,
    content: said.content,
    origin: role === 'user' ? 'user' : 'workflow',
    nodeId: node.node_id,
    nodeType: node.node_type,
    nodeName: node.node_name,
    createdTime: said.at,
  });
  const replies = nodes.flatMap((node) => {
    const content = readReply(node);
    const at = node.endedAt ?? node.startedAt;
    return content === undefined ? [] : [render('assistant', renderNodeHead(context, node.path), { content, at })];
  });
  const isSilent = replies.length === 0 && run.status === 'succeeded';
  const end = { content: renderOutputText(outputs), at: run.endedAt ?? run.createdAt };
  return [
    render('user', START, { content: toText(context.said), at: run.createdAt }),
    ...replies,
    ...(isSilent ? [render('assistant', END, end)] : []),
  ];
}

/** What the node said to the end user, or asks. */
function readReply({ said, output, status, wait }: NodeRecord): string | undefined {
  const isAsking = status === 'waiting' && wait?.kind !== 'timer';
  const text = isAsking ? wait?.prompt?.['message'] : said && (output as { text?: unknown } | null)?.text;
  return typeof text === 'string' ? text : undefined;
}

function renderNodeInfo(context: RunContext, record: NodeRecord) {
  const { path, status, error, output, startedAt, endedAt } = record;
  const [, loop, index] = /^(.*)\[(\d+)\][^[]*$/.exec(path) ?? [];
  return {
    ...renderNodeHead(context, path),
    parent_node_id: path.slice(0, Math.max(0, path.lastIndexOf('.'))),
    ...(loop !== undefined && { loop_node_id: loop, loop_index: Number(index) }),
    node_status: status === 'waiting' ? 'node_wait' : 'node_finished',
    status: describe(status),
    error_message: error?.message ?? '',
    ...(context.run.env === 'debug' && { outputs: toObject(output) }),
    messages: [],
    metadata: {},
    start_time: startedAt,
    end_time: endedAt,
    execution_id: context.run.id,
  };
}

const toObject = (value: Json = null): JsonObject =>
  typeof value === 'object' && !Array.isArray(value) ? (value ?? {}) : { output: value };

async function renderDebugEvents(ports: Ports, context: RunContext, records: readonly NodeRecord[]) {
  const seen = replay(context.run, records, ports.clock.now()).filter(({ seq }) => seq > context.after);
  const events: object[] = [];
  for await (const { executionId: _, ...event } of renderItems(ports, context, seen)) events.push(event);
  return events;
}
