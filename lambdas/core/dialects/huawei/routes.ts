// Running a workflow within a conversation, as a stream or in one response; canceling that run; uploading a file.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import { pinnedPlan } from '../../access/run-access.ts';
import { cancelRun } from '../../api/cancel.ts';
import { streamOn, streamRun } from '../../api/event-stream.ts';
import type { Reply } from '../../api/reply.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import { buildFileLink } from '../../catalog/file-links.ts';
import { keepFile } from '../../catalog/files.ts';
import { ApiError } from '../../errors.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import { isSettled, type Run, type RunRecord } from '../../run.ts';
import { answerQuestion, findLatestRun } from '../conversation.ts';
import { json, route } from '../dialect.ts';
import { readUpload, uploadBody } from '../files.ts';
import { eventStream } from '../sse.ts';
import { renderEvents } from './events.ts';
import { pathId, type RunCall, readAnswer, readChoice, readSubmission, runBody, runParams, runQuery } from './input.ts';
import type { RunContext } from './render.ts';

const tag = 'Huawei Cloud';
const DAY_SECONDS = 24 * 60 * 60;
const MAX_DAYS = 7;

interface StartedRun {
  run: Run;
  /** Another call runs it: a run whose question was answered continues where it was. */
  replayed: boolean;
  /** The number of the last event that the caller has seen. */
  after: number;
  said: Json;
}

async function startOrContinue(ports: Ports, call: RunCall, mode: 'sync' | 'stream'): Promise<StartedRun> {
  const { caller, params } = call;
  const flow = resolveFlow(caller, params.workflow_id);
  const said = readAnswer(call.body.inputs as JsonObject);
  const continued = await answerQuestion(ports, caller, { flow, conversation: params.conversation_id, answer: said });
  if (continued) return { ...continued, said, replayed: true };
  const { run, replayed } = await submit(ports, caller, readSubmission(call, mode));
  return { run, replayed, said, after: 0 };
}

// On a status of 500 the vendor's SDK reads `error_code` and `error_msg` from the body.
const statusCode = ({ run }: RunRecord): number => (isSettled(run.status) && run.status !== 'succeeded' ? 500 : 200);

async function start(call: RunCall, ports: Ports): Promise<Reply> {
  const { params, request } = call;
  const { receivedAt } = request;
  const isStream = readChoice(request, 'stream', ['true', 'false']) !== 'false';
  const { run, replayed, after, said } = await startOrContinue(ports, call, isStream ? 'stream' : 'sync');
  const plan = await pinnedPlan(ports, run);
  const { conversation_id: conversation, workflow_id: workflowId } = params;
  const context: RunContext = { run, plan, conversation, workflowId, said, after };
  if (!isStream) {
    const render = async (record: RunRecord) => {
      const { renderRun } = await import('./whole-run.ts');
      return renderRun(ports, context, record);
    };
    return answerRun(ports, { run, replayed, receivedAt, render, status: statusCode });
  }
  if (replayed) {
    const items = streamOn(ports, { runId: run.id, after, receivedAt });
    return { status: 200, body: eventStream(renderEvents(ports, context, items)) };
  }
  const { items, pending } = streamRun(ports, { run, replayed, receivedAt });
  return { status: 200, body: eventStream(renderEvents(ports, context, items)), pending };
}

const shared = {
  method: 'POST',
  access: 'run',
  tag,
  params: runParams,
  query: runQuery,
  headers: {
    stream: '`false` returns the result in one response',
    'X-Invoke-Mode': '`debug` runs the draft and sends events of every node',
  },
  body: { kind: 'json', schema: runBody },
  answers: { 200: { description: 'A stream of events, or the result' } },
  errors: [],
} as const;

const cancelQuery = z.object({ agent_id: z.string().optional(), workflow_id: pathId.optional() });

const runRoutes = [
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
    summary: 'Run a workflow within a conversation, at its older address',
    handle: start,
  }),
  route({
    id: 'huaweiCancel',
    method: 'POST',
    path: '/v1/{project_id}/conversations/{conversation_id}/cancel',
    access: 'run',
    tag,
    summary: 'Cancel the run of a conversation',
    params: runParams.omit({ workflow_id: true }),
    query: cancelQuery,
    answers: { 200: { description: 'Whether something was canceled' } },
    errors: [],
    async handle({ caller, params, query: { workflow_id = caller.key.flow } }, ports) {
      if (workflow_id === undefined) throw new ApiError('invalid-request', 'workflow_id is required');
      const run = await findLatestRun(ports, caller, {
        flow: resolveFlow(caller, workflow_id),
        conversation: params.conversation_id,
      });
      if (run === undefined || isSettled(run.status)) return json(200, { cancelled: false, running: false });
      const current = await cancelRun(ports, caller, run.id);
      return json(200, { cancelled: current.status === 'canceled', running: !isSettled(current.status) });
    },
  }),
];

function rejectFile(message: string): never {
  throw new ApiError('invalid-request', `file ${message}`, { details: [{ field: 'file', message }] });
}

const uploadRoutes = [
  route({
    id: 'huaweiUpload',
    method: 'POST',
    path: '/v1/{project_id}/agent-runtime/upload-file',
    access: 'run',
    tag: 'Huawei Cloud',
    summary: 'Upload a file for an input',
    params: z.object({ project_id: z.string().max(64) }),
    query: z.object({
      workspace_id: z.string().max(64).optional(),
      /** Seconds for which the URL is valid. */
      expires: z.coerce
        .number()
        .int()
        .min(1)
        .max(MAX_DAYS * DAY_SECONDS)
        .default(DAY_SECONDS),
      is_image: z.stringbool().optional(),
    }),
    body: uploadBody,
    answers: { 200: { description: 'The URL of the file' } },
    errors: [],
    async handle({ caller, query, request }, ports) {
      const { files } = await readUpload(request);
      const [file] = files;
      if (!file) rejectFile('is required: send a form with the field `file`');
      if (file.name === '') rejectFile('needs a name');
      if (query.is_image && !file.type.startsWith('image/')) rejectFile('is no image');
      const kept = await keepFile(ports, caller.tenant.id, file);
      const until = ports.clock.now() + query.expires * 1_000;
      const url = await buildFileLink(ports, kept, { origin: request.origin, until });
      return json(200, { url, headers: {}, file_name: kept.name });
    },
  }),
];

export const routes = [...runRoutes, ...uploadRoutes];
