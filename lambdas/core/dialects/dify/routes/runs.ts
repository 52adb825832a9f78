// Running the workflow of the key, blocking or streaming; stopping a run; following it again.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { boundFlow } from '../../../access/keys.ts';
import { canAccess, pinnedPlan, requireRun } from '../../../access/run-access.ts';
import { cancelRun } from '../../../api/cancel.ts';
import { streamOn, streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { submit } from '../../../api/submit.ts';
import { answerRun } from '../../../api/sync-response.ts';
import { listVersions } from '../../../catalog/flows.ts';
import { ApiError } from '../../../errors.ts';
import type { Ports } from '../../../ports/ports.ts';
import { isSettled, type RunRecord } from '../../../run.ts';
import { isRunId } from '../../../run-id.ts';
import { type Call, json, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { renderEvents } from '../events.ts';
import { renderWaits } from '../human-input.ts';
import { type RunBody, readSubmission, runBody } from '../input.ts';
import { type RunContext, renderRun, renderWorkflowId, WAITING } from '../render.ts';

const tag = 'Dify';

/** The id of a published version, or its label. */
async function findVersion(ports: Ports, caller: Caller, workflowId: string): Promise<string> {
  const flow = boundFlow(caller);
  const versions = await listVersions(ports, caller.tenant.id, flow);
  const found = versions.find(
    ({ version }) =>
      version === workflowId || renderWorkflowId({ tenant: caller.tenant.id, flow, version }) === workflowId,
  );
  if (found) return found.version;
  throw new ApiError('version-not-found', `Workflow ${workflowId.slice(0, 64)} not found`);
}

async function start(call: Call<unknown, undefined, RunBody>, ports: Ports, version?: string): Promise<Reply> {
  const { body, caller, request } = call;
  const { run, replayed } = await submit(ports, caller, { ...readSubmission(caller, body), version });
  const context: RunContext = { run, plan: await pinnedPlan(ports, run) };
  const accepted = { run, replayed, receivedAt: request.receivedAt };
  if (run.mode === 'stream') {
    const { items, pending } = streamRun(ports, accepted);
    return { status: 200, body: eventStream(renderEvents(ports, context, items)), pending };
  }
  const reply = await answerRun(ports, { ...accepted, render: (record) => blocking(ports, record), status: () => 200 });
  return addWaits(ports, context, reply);
}

const blocking = (ports: Ports, record: RunRecord) => renderRun(record, ports.clock.now());

/** A blocking response about a waiting run has what it waits for. */
async function addWaits(ports: Ports, context: RunContext, reply: Reply): Promise<Reply> {
  const body = reply.body && 'json' in reply.body ? (reply.body.json as ReturnType<typeof renderRun>) : undefined;
  if (body?.data.status !== WAITING) return reply;
  const { records } = await ports.runs.load(context.run.id);
  return { ...reply, body: { json: { ...body, data: { ...body.data, ...renderWaits(ports, context, records) } } } };
}

/** Always a success: the response does not say whether there was a run to stop. */
async function stop({ caller, params }: Call<{ task_id: string }, undefined, { user: string }>, ports: Ports) {
  const run = isRunId(params.task_id) ? await ports.runs.get(params.task_id) : undefined;
  if (run && canAccess(caller, run) && !isSettled(run.status)) await cancelRun(ports, caller, run.id);
  return json(200, { result: 'success' });
}

const user = z.object({ user: z.string().min(1) });
const taskId = z.object({ task_id: z.string() });
const yes = z.stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] }).optional();

const shared = { access: 'run', tag, errors: [] } as const;
const running = {
  ...shared,
  method: 'POST',
  body: { kind: 'json', schema: runBody },
  answers: { 200: { description: 'The result, or a stream of events' } },
} as const;
const stopping = {
  ...shared,
  method: 'POST',
  params: taskId,
  body: { kind: 'json', schema: user },
  answers: { 200: { description: 'Success, always' } },
  handle: stop,
} as const;

export const runRoutes = [
  route({
    ...running,
    id: 'difyRun',
    path: '/v1/workflows/run',
    summary: 'Run the workflow of the key',
    handle: (call, ports) => start(call, ports),
  }),
  route({
    ...running,
    id: 'difyRunVersion',
    path: '/v1/workflows/{workflow_id}/run',
    summary: 'Run a published version',
    params: z.object({ workflow_id: z.string() }),
    handle: async (call, ports) => start(call, ports, await findVersion(ports, call.caller, call.params.workflow_id)),
  }),
  route({ ...stopping, id: 'difyStop', path: '/v1/workflows/{task_id}/stop', summary: 'Stop a run' }),
  route({ ...stopping, id: 'difyStopTask', path: '/v1/workflows/tasks/{task_id}/stop', summary: 'Stop a run' }),
  route({
    ...shared,
    id: 'difyEvents',
    method: 'GET',
    path: '/v1/workflow/{workflow_run_id}/events',
    summary: 'Follow a run again',
    params: z.object({ workflow_run_id: z.string() }),
    query: z.object({ user: z.string().min(1), include_state_snapshot: yes, continue_on_pause: yes }),
    answers: { 200: { description: 'A stream of events' } },
    async handle({ caller, params, query, request }, ports): Promise<Reply> {
      const run = await requireRun(ports, caller, params.workflow_run_id);
      if (run.user !== query.user) throw new ApiError('run-not-found');
      const context = { run, plan: await pinnedPlan(ports, run) };
      // For a run that has ended, the only event is its end.
      const items = isSettled(run.status)
        ? streamEnd(context)
        : streamOn(ports, { runId: run.id, after: 0, receivedAt: request.receivedAt });
      return { status: 200, body: eventStream(renderEvents(ports, context, items)) };
    },
  }),
];

async function* streamEnd({ run }: RunContext) {
  yield { type: 'run.finished', seq: 0, run } as const;
}
