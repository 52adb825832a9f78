// Running a workflow within a conversation, as a stream or in one answer; and canceling what the conversation runs.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import { pinnedPlan } from '../../access/run-access.ts';
import { cancelRun } from '../../api/cancel.ts';
import { type StreamItem, streamOn, streamRun } from '../../api/event-stream.ts';
import type { Reply } from '../../api/reply.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import { ApiError } from '../../errors.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import { isSettled, type Run, type RunRecord } from '../../run.ts';
import { answered, latestRun } from '../conversation.ts';
import { type Call, json, route } from '../dialect.ts';
import { eventStream } from '../sse.ts';
import { renderEvents } from './events.ts';
import { errorFrame, renderStatus, type Told } from './render.ts';

const tag = 'Huawei Cloud';
const pathId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _');
const params = z.object({ project_id: pathId, workflow_id: pathId, conversation_id: pathId });
const query = z.object({ workspace_id: pathId.optional(), version: z.string().min(1).max(64).optional() });
// Its console sends more fields, which say nothing to us.
const body = z.object({
  inputs: z.record(z.string(), z.json()),
  plugin_configs: z
    .array(z.object({ plugin_id: z.string().nullish(), config: z.record(z.string(), z.string()).nullish() }))
    .nullish(),
});

type RunCall = Call<z.output<typeof params>, z.output<typeof query>, z.output<typeof body>>;

function flag(headers: Readonly<Record<string, string>>, name: string, choices: readonly string[]): string | undefined {
  const value = headers[name]?.trim().toLowerCase();
  if (value === undefined || choices.includes(value)) return value;
  const message = `must be ${choices.join(' or ')}`;
  throw new ApiError('invalid-request', `${name} ${message}`, { details: [{ field: name, message }] });
}

function pluginsIn({ plugin_configs }: z.output<typeof body>): { plugins?: Record<string, Record<string, string>> } {
  const given = (plugin_configs ?? []).flatMap(({ plugin_id, config }) =>
    plugin_id && config ? [[plugin_id, config] as const] : [],
  );
  return given.length > 0 ? { plugins: Object.fromEntries(given) } : {};
}

/** One input is the answer itself, by convention `query`; several are an object. */
function answerIn(inputs: JsonObject): Json {
  const values = Object.values(inputs);
  return inputs['query'] ?? (values.length === 1 ? (values[0] ?? null) : inputs);
}

interface Begun {
  run: Run;
  /** Somebody else runs it: an answered run goes on where it was. */
  replayed: boolean;
  after: number;
}

async function begin(ports: Ports, call: RunCall, mode: 'sync' | 'stream'): Promise<Begun> {
  const { caller, params: ids, query: asked, request } = call;
  const flow = resolveFlow(caller, ids.workflow_id);
  const inputs = call.body.inputs as JsonObject;
  const conversation = ids.conversation_id;
  const going = await answered(ports, caller, { flow, conversation, answer: answerIn(inputs) });
  if (going) return { ...going, replayed: true };
  const isDebug = flag(request.headers, 'x-invoke-mode', ['published', 'debug']) === 'debug';
  const { run, replayed } = await submit(ports, caller, {
    flow,
    inputs,
    mode,
    dialect: 'huawei',
    conversation,
    ...pluginsIn(call.body),
    ignoresOtherPlugins: true,
    ...(isDebug && { draft: true }),
    ...(asked.version !== undefined && !isDebug && { version: asked.version }),
  });
  return { run, replayed, after: 0 };
}

function renderAnswer(told: Told, { run, outputs }: RunRecord) {
  if (run.status === 'failed' || run.status === 'canceled')
    return errorFrame(told, run, { index: 0, at: run.endedAt ?? run.createdAt });
  return {
    conversation_id: told.conversation,
    executionId: run.id,
    outputs: outputs ?? {},
    messages: [],
    error_code: '',
    error_message: '',
    metadata: {},
    status: renderStatus(run),
    start_time: run.startedAt ?? run.createdAt,
    end_time: run.endedAt,
    node_info: [],
    events: [],
  };
}

const statusCode = ({ run }: RunRecord): number => (isSettled(run.status) && run.status !== 'succeeded' ? 500 : 200);

async function start(call: RunCall, ports: Ports): Promise<Reply> {
  const { receivedAt, headers } = call.request;
  const isStream = flag(headers, 'stream', ['true', 'false']) !== 'false';
  const begun = await begin(ports, call, isStream ? 'stream' : 'sync');
  const { run } = begun;
  const plan = await pinnedPlan(ports, run);
  const told: Told = { run, plan, conversation: call.params.conversation_id, workflowId: call.params.workflow_id };
  if (!isStream) {
    const render = (record: RunRecord) => renderAnswer(told, record);
    return answerRun(ports, { run, replayed: begun.replayed, receivedAt, render, status: statusCode });
  }
  const { items, pending } = streamOf(ports, begun, receivedAt);
  return { status: 200, body: eventStream(renderEvents(ports, told, items)), pending };
}

function streamOf(
  ports: Ports,
  { run, replayed, after }: Begun,
  receivedAt: number,
): { items: AsyncIterable<StreamItem>; pending?: Promise<unknown> } {
  if (replayed) return { items: streamOn(ports, { runId: run.id, after, receivedAt }) };
  return streamRun(ports, { run, replayed, receivedAt });
}

const shared = {
  method: 'POST',
  access: 'run',
  tag,
  params,
  query,
  headers: {
    stream: '`false` answers in one piece',
    'X-Invoke-Mode': '`debug` runs the draft and tells of every node',
  },
  body: { kind: 'json', schema: body },
  answers: { 200: { description: 'A stream of frames, or the answer' } },
  errors: [],
} as const;

const cancelQuery = z.object({ agent_id: z.string().optional(), workflow_id: pathId.optional() });

export const runRoutes = [
  route({
    ...shared,
    id: 'huaweiRun',
    path: '/v1/{project_id}/workflows/{workflow_id}/conversations/{conversation_id}',
    summary: 'Run a workflow within a conversation',
    handle: start,
  }),
  route({
    ...shared,
    id: 'huaweiAgentRun',
    path: '/v1/{project_id}/agent-run/workflows/{workflow_id}/conversations/{conversation_id}',
    summary: 'Run a workflow within a conversation, by its older address',
    handle: start,
  }),
  route({
    id: 'huaweiCancel',
    method: 'POST',
    path: '/v1/{project_id}/conversations/{conversation_id}/cancel',
    access: 'run',
    tag,
    summary: 'Cancel what a conversation runs',
    params: params.omit({ workflow_id: true }),
    query: cancelQuery,
    answers: { 200: { description: 'Whether something was canceled' } },
    errors: [],
    async handle({ caller, params: ids, query: { workflow_id = caller.key.flow } }, ports) {
      if (workflow_id === undefined) throw new ApiError('invalid-request', 'workflow_id is required');
      const run = await latestRun(ports, caller, {
        flow: resolveFlow(caller, workflow_id),
        conversation: ids.conversation_id,
      });
      if (run === undefined || isSettled(run.status)) return json(200, { cancelled: false, running: false });
      const stands = await cancelRun(ports, caller.tenant.id, run.id);
      return json(200, { cancelled: stands.status === 'canceled', running: !isSettled(stands.status) });
    },
  }),
];
