// Running the workflow of the key, blocking or streaming; stopping it; following it again.

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
import type { Offer } from '../../../flow/inputs.ts';
import type { Json } from '../../../json.ts';
import type { Ports } from '../../../ports/ports.ts';
import { isSettled, type RunRecord } from '../../../run.ts';
import { isRunId } from '../../../run-id.ts';
import { type Call, json, route } from '../../dialect.ts';
import { eventStream } from '../../sse.ts';
import { renderEvents } from '../events.ts';
import { renderWaits } from '../human-input.ts';
import { fileSchema, offerFiles, readFiles } from '../input.ts';
import { renderBlocking } from '../render.ts';
import { renderWorkflowId, type RunContext } from '../words.ts';

const tag = 'Dify';

const runBody = z.object({
  inputs: z.record(z.string(), z.json()),
  response_mode: z.enum(['blocking', 'streaming']).nullish(),
  user: z.string().min(1).max(256),
  files: z.array(fileSchema).nullish(),
  trace_id: z.string().max(256).nullish(),
});
type RunBody = z.output<typeof runBody>;

/** As Dify does it, values for which the form has no field are left out. */
function offersOf({ inputs, files }: RunBody): Offer[] {
  const offers = Object.entries(inputs).map(
    ([name, value]): Offer => ({ names: [name], value: readFiles(value as Json) }),
  );
  if (files && files.length > 0) offers.push({ names: ['files', '_sys_file_urls'], value: offerFiles(files) });
  return offers;
}

/** The id of a published version, or its label. */
async function versionOf(ports: Ports, caller: Caller, workflowId: string): Promise<string> {
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
  const isStream = body.response_mode === 'streaming';
  const { run, replayed } = await submit(ports, caller, {
    flow: boundFlow(caller),
    inputs: {},
    offers: offersOf(body),
    mode: isStream ? 'stream' : 'sync',
    dialect: 'dify',
    user: body.user,
    version,
  });
  const told: RunContext = { run, plan: await pinnedPlan(ports, run) };
  const made = { run, replayed, receivedAt: request.receivedAt };
  if (isStream) {
    const { items, pending } = streamRun(ports, made);
    return { status: 200, body: eventStream(renderEvents(ports, told, items)), pending };
  }
  const reply = await answerRun(ports, { ...made, render: (record) => blocking(ports, record), status: () => 200 });
  return paused(ports, told, reply);
}

const blocking = (ports: Ports, record: RunRecord) => renderBlocking(record, ports.clock.now());

/** A blocking answer about a run that waits for people says for whom. */
async function paused(ports: Ports, told: RunContext, reply: Reply): Promise<Reply> {
  const body = reply.body && 'json' in reply.body ? (reply.body.json as ReturnType<typeof renderBlocking>) : undefined;
  if (body?.data.status !== 'paused') return reply;
  const { records } = await ports.runs.load(told.run.id);
  return { ...reply, body: { json: { ...body, data: { ...body.data, ...renderWaits(ports, told, records) } } } };
}

/** Always a success: whether there was something to stop is not told. */
async function stop({ caller, params }: Call<{ task_id: string }, undefined, { user: string }>, ports: Ports) {
  const run = isRunId(params.task_id) ? await ports.runs.get(params.task_id) : undefined;
  if (run && canAccess(caller, run) && !isSettled(run.status)) await cancelRun(ports, caller.tenant.id, run.id);
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
    handle: async (call, ports) => start(call, ports, await versionOf(ports, call.caller, call.params.workflow_id)),
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
      const told = { run, plan: await pinnedPlan(ports, run) };
      // Of a run that has ended only the end is told.
      const items = isSettled(run.status)
        ? ended(told)
        : streamOn(ports, { runId: run.id, after: 0, receivedAt: request.receivedAt });
      return { status: 200, body: eventStream(renderEvents(ports, told, items)) };
    },
  }),
];

async function* ended({ run }: RunContext) {
  yield { type: 'run.finished', seq: 0, run } as const;
}
