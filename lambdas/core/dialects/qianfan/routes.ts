// Running components while the caller waits; asynchronous runs and their results; the id of a new conversation.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import { pinnedPlan, requireRecord } from '../../access/run-access.ts';
import { streamRun } from '../../api/event-stream.ts';
import type { Reply } from '../../api/reply.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import { ApiError } from '../../errors.ts';
import type { Ports } from '../../ports/ports.ts';
import type { RunRecord } from '../../run.ts';
import { viewNodes } from '../../runs/nodes-view.ts';
import { loadRecords } from '../../runs/reuse.ts';
import { type Call, json, route } from '../dialect.ts';
import { eventStream } from '../sse.ts';
import { stableUuid } from '../stable-uuid.ts';
import { renderEvents, SEPARATOR } from './events.ts';
import { parametersSchema, readSubmission } from './input.ts';
import { renderComponent, renderIds, renderRun, renderStatus, renderText } from './render.ts';

const tag = 'Qianfan';

const componentBody = z.object({ stream: z.boolean().nullish(), parameters: parametersSchema });
// The vendor's clients send `action=tool_eval`; it changes nothing.
const componentQuery = z.object({ action: z.string().optional() });

type ComponentCall = Call<{ component: string; version?: string }, unknown, z.output<typeof componentBody>>;

async function runComponent({ body, caller, params, request }: ComponentCall, ports: Ports): Promise<Reply> {
  const version = params.version === 'latest' ? undefined : params.version;
  const { run, replayed } = await submit(ports, caller, {
    ...readSubmission(caller, body.parameters, request.id),
    flow: resolveFlow(caller, params.component),
    mode: body.stream ? 'stream' : 'sync',
    version,
  });
  const accepted = { run, replayed, receivedAt: request.receivedAt };
  const headers = { 'x-appbuilder-request-id': request.id };
  if (body.stream) {
    const { items, pending } = streamRun(ports, accepted);
    const events = renderEvents(ports, { run, requestId: request.id }, items);
    return { status: 200, headers, body: eventStream(events, SEPARATOR), pending };
  }
  const render = (record: RunRecord) =>
    renderComponent(record.run, request.id, {
      status: renderStatus(record.run),
      at: ports.clock.now(),
      ...renderText(record),
    });
  const reply = await answerRun(ports, { ...accepted, render, status: () => 200 });
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

const shared = {
  method: 'POST',
  access: 'run',
  tag,
  body: { kind: 'json', schema: componentBody },
  query: componentQuery,
  answers: { 200: { description: 'The result, or a stream of events' } },
  errors: [],
} as const;

const componentRoutes = [
  route({
    ...shared,
    id: 'qianfanComponent',
    path: '/v2/components/{component}',
    summary: 'Run a component while the caller waits',
    params: z.object({ component: z.string() }),
    handle: runComponent,
  }),
  route({
    ...shared,
    id: 'qianfanComponentVersion',
    path: '/v2/components/{component}/version/{version}',
    summary: 'Run a version of a component while the caller waits',
    params: z.object({ component: z.string(), version: z.string() }),
    handle: runComponent,
  }),
];

const start = route({
  id: 'qianfanAsyncRun',
  method: 'POST',
  path: '/v2/tools/workflow/async/run',
  access: 'run',
  tag,
  summary: 'Run a workflow component in the background',
  body: {
    kind: 'json',
    schema: z.object({ component: z.string().min(1), version: z.string().nullish(), parameters: parametersSchema }),
  },
  answers: { 200: { description: 'The id of the run' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const { run } = await submit(ports, caller, {
      ...readSubmission(caller, body.parameters, request.id),
      flow: resolveFlow(caller, body.component),
      mode: 'async',
      ...(body.version && { version: body.version }),
    });
    return json(200, { ...renderIds(run), execute_id: run.id });
  },
});

const retrieve = route({
  id: 'qianfanAsyncRetrieve',
  method: 'POST',
  path: '/v2/tools/workflow/async/retrieve',
  access: 'run',
  tag,
  summary: 'Read the result of a run',
  body: { kind: 'json', schema: z.object({ execute_id: z.string() }) },
  answers: { 200: { description: 'The result so far' } },
  errors: ['run-not-found'],
  async handle({ body, caller }, ports) {
    const record = await requireRecord(ports, caller, body.execute_id);
    const [plan, records] = await Promise.all([pinnedPlan(ports, record.run), loadRecords(ports, record.run)]);
    return json(200, renderRun(record, viewNodes(plan, record.run, records)));
  },
});

const conversation = route({
  id: 'qianfanConversation',
  method: 'POST',
  path: '/v2/app/conversation',
  access: 'run',
  tag,
  summary: 'Create the id of a conversation',
  body: { kind: 'json', schema: z.object({ app_id: z.string() }) },
  answers: { 200: { description: 'The id' } },
  errors: [],
  async handle({ body, caller, request }) {
    if (body.app_id === '') throw new ApiError('invalid-request', 'app_id is required');
    resolveFlow(caller, body.app_id);
    return json(200, { request_id: request.id, conversation_id: stableUuid('qianfan conversation', request.id) });
  },
});

export const routes = [start, retrieve, conversation, ...componentRoutes];
