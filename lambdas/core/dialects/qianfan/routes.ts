// Components run while their caller waits, in one answer or as a stream of `data:` frames.

import * as z from 'zod';
import { resolveFlow } from '../../access/keys.ts';
import { type StreamItem, streamRun } from '../../api/event-stream.ts';
import type { Reply } from '../../api/reply.ts';
import { submit } from '../../api/submit.ts';
import { answerRun } from '../../api/sync-response.ts';
import type { Ports } from '../../ports/ports.ts';
import type { Run, RunRecord } from '../../run.ts';
import { type Call, route } from '../dialect.ts';
import { outputText } from '../output-text.ts';
import { eventStream } from '../sse.ts';
import { parametersSchema, readSubmission } from './input.ts';
import { renderComponent, renderEnd } from './render.ts';

const body = z.object({ stream: z.boolean().nullish(), parameters: parametersSchema });
// `action=tool_eval` is what the vendor's clients send; it changes nothing.
const query = z.object({ action: z.string().optional() });

const textOf = ({ run, outputs }: RunRecord) => (run.status === 'succeeded' ? { text: outputText(outputs) } : {});

/** Its clients know neither `event:` lines nor comments: a frame is one `data:` line and an empty one. */
const dataFrame = (value: unknown): string => `data:${JSON.stringify(value)}\n\n`;

async function* framesOf(
  ports: Ports,
  { run, requestId, items }: { run: Run; requestId: string; items: AsyncIterable<StreamItem> },
) {
  let hasText = false;
  for await (const item of items) {
    const at = ports.clock.now();
    switch (item.type) {
      case 'node.delta':
        hasText = true;
        yield dataFrame(renderComponent(run, requestId, { status: 'running', text: item.text, name: item.path, at }));
        break;
      case 'run.finished':
      case 'run.waiting': {
        const record = await ports.runs.read(run.id);
        const isTold = hasText || !record;
        yield dataFrame(
          renderComponent(item.run, requestId, { status: renderEnd(item.run), at, ...(!isTold && textOf(record)) }),
        );
        break;
      }
      // An object without content keeps the connection alive, and says that work goes on.
      case 'run.started':
      case 'ping':
      case 'run.detached':
        yield dataFrame(renderComponent(run, requestId, { status: 'running', at }));
    }
  }
}

type ComponentCall = Call<{ component: string; version?: string }, unknown, z.output<typeof body>>;

async function start({ body, caller, params, request }: ComponentCall, ports: Ports): Promise<Reply> {
  const version = params.version === 'latest' ? undefined : params.version;
  const { run, replayed } = await submit(ports, caller, {
    ...readSubmission(caller, body.parameters, request.id),
    flow: resolveFlow(caller, params.component),
    mode: body.stream ? 'stream' : 'sync',
    dialect: 'qianfan',
    version,
  });
  const made = { run, replayed, receivedAt: request.receivedAt };
  const headers = { 'x-appbuilder-request-id': request.id };
  if (body.stream) {
    const { items, pending } = streamRun(ports, made);
    return { status: 200, headers, body: eventStream(framesOf(ports, { run, requestId: request.id, items })), pending };
  }
  const render = (record: RunRecord) =>
    renderComponent(record.run, request.id, {
      status: renderEnd(record.run),
      at: ports.clock.now(),
      ...textOf(record),
    });
  const reply = await answerRun(ports, { ...made, render, status: () => 200 });
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

const shared = {
  method: 'POST',
  access: 'run',
  tag: 'Qianfan',
  body: { kind: 'json', schema: body },
  query,
  answers: { 200: { description: 'The answer, or a stream of it' } },
  errors: [],
} as const;

export const componentRoutes = [
  route({
    ...shared,
    id: 'qianfanComponent',
    path: '/v2/components/{component}',
    summary: 'Run a component while the caller waits',
    params: z.object({ component: z.string() }),
    handle: start,
  }),
  route({
    ...shared,
    id: 'qianfanComponentVersion',
    path: '/v2/components/{component}/version/{version}',
    summary: 'Run a version of a component while the caller waits',
    params: z.object({ component: z.string(), version: z.string() }),
    handle: start,
  }),
];
