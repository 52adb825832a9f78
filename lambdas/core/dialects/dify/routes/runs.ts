// Running the workflow of the key, blocking or streaming; stopping a run; following it again.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { boundFlow } from '../../../access/keys.ts';
import { canAccess, pinnedPlan, requireRun } from '../../../access/run-access.ts';
import { cancelRun } from '../../../api/cancel.ts';
import { type StreamItem, streamEvents, streamOn, streamRun } from '../../../api/event-stream.ts';
import type { Reply } from '../../../api/reply.ts';
import { submit } from '../../../api/submit.ts';
import { answerRun, waitsForSomebody } from '../../../api/sync-response.ts';
import { listVersions } from '../../../catalog/flows.ts';
import { ApiError } from '../../../errors.ts';
import type { Ports } from '../../../ports/ports.ts';
import { isSettled, type Run, type RunRecord } from '../../../run.ts';
import { isRunId } from '../../../run-id.ts';
import { replay } from '../../../runs/replay.ts';
import { type ApiRequest, type Call, json, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { renderEvents } from '../events.ts';
import { renderWaits } from '../human-input.ts';
import { type RunBody, readSubmission, runBody } from '../input.ts';
import { type RunContext, renderRun, renderWorkflowId } from '../render.ts';

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
  const render = (record: RunRecord) => renderBlocking(ports, context, record);
  return answerRun(ports, { ...accepted, render, status: () => 200 });
}

/** A response about a waiting run has what it waits for. */
async function renderBlocking(ports: Ports, context: RunContext, record: RunRecord) {
  const now = ports.clock.now();
  if (record.run.status !== 'waiting') return renderRun(record, now);
  const { records } = await ports.runs.load(record.run.id);
  return renderRun(record, now, renderWaits(ports, context, records));
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
      const context: RunContext = {
        run,
        plan: await pinnedPlan(ports, run),
        ...(query.continue_on_pause && { goesOn: true }),
      };
      const items = await follow(ports, context, { isNewOnly: query.include_state_snapshot === false, request });
      return { status: 200, body: eventStream(renderEvents(ports, context, items)) };
    },
  }),
];

/** Of a run that has ended, the only event is its end. */
async function follow(
  ports: Ports,
  context: RunContext,
  { isNewOnly, request }: { isNewOnly: boolean; request: ApiRequest },
): Promise<AsyncIterable<StreamItem>> {
  const { run } = context;
  if (isSettled(run.status)) return streamEnd(context);
  const isNew = isNewOnly && !waitsForSomebody(run);
  const after = isNew ? await findLastSeq(ports, run) : 0;
  const stream = context.goesOn ? streamEvents : streamOn;
  return stream(ports, { runId: run.id, after, receivedAt: request.receivedAt });
}

async function findLastSeq(ports: Ports, run: Run): Promise<number> {
  const { records } = await ports.runs.load(run.id);
  return replay(run, records, ports.clock.now()).at(-1)?.seq ?? 0;
}

async function* streamEnd({ run }: RunContext) {
  yield { type: 'run.finished', seq: 0, run } as const;
}
