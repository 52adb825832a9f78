// Forms that people fill in while a run waits, as events and responses show them.

import * as z from 'zod';
import type { StreamItem } from '../../api/event-stream.ts';
import { findNodeAt } from '../../flow/node-at.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Ports } from '../../ports/ports.ts';
import type { NodeRecord, NodeWait } from '../../run.ts';
import { stableUuid } from '../stable-uuid.ts';
import { type RunContext, renderHead, toSeconds, type Waits } from './render.ts';

const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

type WaitingNode = Pick<Extract<StreamItem, { type: 'node.waiting' }>, 'path' | 'wait'>;

const actionSchema = z.looseObject({ id: z.string(), title: z.string().optional() });

export function renderForm(prompt: JsonObject | undefined) {
  const actions = z.array(actionSchema).safeParse(prompt?.['actions']).data ?? [];
  return {
    form_content: text(prompt?.['message']),
    inputs: renderFields(prompt?.['form']),
    actions: actions.map(({ id, title = id }) => ({ id, title, button_style: 'default' })),
    resolved_default_values: {},
  };
}

/** A field has the vendor's names, and what the flow says of it besides. */
function renderFields(form: Json | undefined): JsonObject[] {
  const fields = z.array(z.looseObject({ name: z.string(), type: z.string() })).safeParse(form).data ?? [];
  return fields.map(({ name, type, ...more }) => ({
    ...(more as JsonObject),
    type: type === 'text' ? 'paragraph' : 'text_input',
    output_variable_name: name,
    default: renderDefault(more['default'] as Json | undefined),
  }));
}

const renderDefault = (value: Json = null): Json =>
  value === null ? null : { type: 'constant', selector: [], value: String(value) };

export const renderExpiration = ({ until }: NodeWait): number | null => (until === undefined ? null : toSeconds(until));

export function renderHumanInputRequired(ports: Ports, context: RunContext, waiting: WaitingNode): object {
  const data = renderRequiredForm(ports, context, waiting);
  return { event: 'human_input_required', ...renderHead(context.run), data };
}

function renderRequiredForm(ports: Ports, { run, plan }: RunContext, { path, wait }: WaitingNode) {
  const node = findNodeAt(plan.nodes, path);
  return {
    form_id: stableUuid('dify form', `${run.id}/${path}`),
    node_id: path,
    node_title: node?.title ?? node?.id ?? path,
    ...renderForm(wait.prompt),
    display_in_ui: true,
    form_token: ports.keyring.signalToken(run.id, path),
    expiration_time: renderExpiration(wait),
  };
}

export function renderWaits(ports: Ports, context: RunContext, records: readonly NodeRecord[]): Waits {
  const waiting = records.flatMap(({ path, status, wait }) =>
    status === 'waiting' && wait && wait.kind !== 'timer' ? [{ path, wait }] : [],
  );
  return {
    paused_nodes: waiting.map(({ path }) => path),
    reasons: waiting.map(({ path, wait }) =>
      wait.kind === 'approval'
        ? { TYPE: 'human_input_required', ...renderRequiredForm(ports, context, { path, wait }) }
        : { TYPE: wait.kind, node_id: path },
    ),
  };
}

/** Whether nobody submitted the form of the node in time. */
export const isExpired = ({ port, error }: NodeRecord): boolean =>
  port === 'timeout' || error?.code === 'node-timed-out';

/** What became of a form, before the end of its node. `wait` is unknown to who did not see it begin. */
export function renderFormEnd({ run, plan }: RunContext, record: NodeRecord, wait: NodeWait | undefined): object[] {
  const { path, port, output, startedAt, endedAt = startedAt } = record;
  const node = findNodeAt(plan.nodes, path);
  if (record.type !== 'approval' || !node) return [];
  const head = { node_id: path, node_title: node.title ?? node.id };
  if (isExpired(record)) {
    const data = { ...head, expiration_time: (wait && renderExpiration(wait)) ?? toSeconds(endedAt) };
    return [{ event: 'human_input_form_timeout', ...renderHead(run), data }];
  }
  if (record.status !== 'succeeded' || port === undefined) return [];
  const prompt = wait?.prompt ?? node.with;
  const { form_content, actions } = renderForm(prompt);
  const { form } = (output ?? {}) as JsonObject;
  const data = {
    ...head,
    rendered_content: form_content,
    action_id: port,
    action_text: actions.find(({ id }) => id === port)?.title ?? port,
    submitted_data: form ?? {},
  };
  return [{ event: 'human_input_form_filled', ...renderHead(run), data }];
}
