// Forms that people fill in while a run waits: how the stream asks for them, and the calls that show and submit them.

import * as z from 'zod';
import type { Caller } from '../../access/caller.ts';
import { canAccess } from '../../access/run-access.ts';
import type { StreamItem } from '../../api/event-stream.ts';
import { signalByToken } from '../../api/signal.ts';
import { ApiError } from '../../errors.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import type { NodeRecord, NodeWait } from '../../run.ts';
import { json, route } from '../dialect.ts';
import { stableUuid } from '../stable-uuid.ts';
import { DifyError } from './errors.ts';
import { type Pause, renderHead } from './result.ts';
import { seconds, type Told } from './words.ts';

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const actionSchema = z.looseObject({ id: z.string(), title: z.string().optional() });

function formOf(prompt: JsonObject | undefined) {
  const actions = z.array(actionSchema).safeParse(prompt?.['actions']).data ?? [];
  return {
    form_content: text(prompt?.['message']),
    inputs: Array.isArray(prompt?.['form']) ? prompt['form'] : [],
    actions: actions.map(({ id, title = id }) => ({ id, title, button_style: 'default' })),
    resolved_default_values: {},
  };
}

const expirationOf = ({ until }: NodeWait): number | null => (until === undefined ? null : seconds(until));

export function humanInputRequired(
  ports: Ports,
  { run, plan }: Told,
  { path, wait }: Pick<Extract<StreamItem, { type: 'node.waiting' }>, 'path' | 'wait'>,
): object {
  const node = findNodeAt(plan.nodes, path);
  const data = {
    form_id: stableUuid('dify form', `${run.id}/${path}`),
    node_id: path,
    node_title: node?.title ?? node?.id ?? path,
    ...formOf(wait.prompt),
    display_in_ui: true,
    form_token: ports.keyring.signalToken(run.id, path),
    expiration_time: expirationOf(wait),
  };
  return { event: 'human_input_required', ...renderHead(run), data };
}

export function readPause(ports: Ports, told: Told, records: readonly NodeRecord[]): Pause {
  const waiting = records.flatMap(({ path, status, wait }) =>
    status === 'waiting' && wait && wait.kind !== 'timer' ? [{ path, wait }] : [],
  );
  return {
    paused_nodes: waiting.map(({ path }) => path),
    reasons: waiting.map(({ path, wait }) =>
      wait.kind === 'approval'
        ? { TYPE: 'human_input_required', ...dataOf(humanInputRequired(ports, told, { path, wait })) }
        : { TYPE: wait.kind, node_id: path },
    ),
  };
}

const dataOf = (event: object): object => (event as { data: object }).data;

const tag = 'Dify';
const params = z.object({ form_token: z.string() });

const isExpired = ({ port, error }: NodeRecord): boolean => port === 'timeout' || error?.code === 'node-timed-out';

/** What does not fit the form, in Dify's word for it. */
async function submitted(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'invalid-request') throw error;
    throw new DifyError('invalid-request', { status: 400, code: 'invalid_form_data' }, error.message);
  }
}

/** The waiting unit behind a token, for the app that it belongs to. */
async function waitingFor(ports: Ports, caller: Caller, token: string): Promise<NodeWait> {
  await ports.keyring.ready();
  const address = ports.keyring.readSignalToken(token);
  const run = address && (await ports.runs.get(address.runId));
  const { records } = run && canAccess(caller, run) ? await ports.runs.load(run.id) : { records: [] };
  const record = records.find(({ path }) => path === address?.path);
  if (!record) throw new ApiError('not-found', 'Form not found');
  if (record.status === 'waiting' && record.wait) return record.wait;
  if (isExpired(record)) {
    const said = { status: 412, code: 'human_input_form_expired' };
    throw new DifyError('signal-already-given', said, 'The form has expired');
  }
  throw new ApiError('signal-already-given', 'The form has been submitted already');
}

export const humanInputRoutes = [
  route({
    id: 'difyForm',
    method: 'GET',
    path: '/v1/form/human_input/{form_token}',
    access: 'run',
    tag,
    summary: 'Show a form that a run waits for',
    params,
    answers: { 200: { description: 'The form' } },
    errors: [],
    async handle({ caller, params: { form_token } }, ports) {
      const wait = await waitingFor(ports, caller, form_token);
      const { actions, ...form } = formOf(wait.prompt);
      return json(200, { ...form, user_actions: actions, expiration_time: expirationOf(wait) });
    },
  }),
  route({
    id: 'difySubmitForm',
    method: 'POST',
    path: '/v1/form/human_input/{form_token}',
    access: 'run',
    tag,
    summary: 'Submit a form',
    params,
    body: {
      kind: 'json',
      schema: z.object({
        inputs: z.record(z.string(), z.json()).default({}),
        action: z.string(),
        user: z.string().nullish(),
      }),
    },
    answers: { 200: { description: 'Accepted' } },
    errors: [],
    async handle({ caller, params: { form_token }, body }, ports) {
      await waitingFor(ports, caller, form_token);
      const form = body.inputs as JsonObject;
      await submitted(
        signalByToken(ports, form_token, { action: body.action, form, ...(body.user && { by: body.user }) }),
      );
      return json(200, {});
    },
  }),
];
