// The approval node: waits until somebody decides, and takes the branch of the chosen action.

import * as z from 'zod';
import { anyValue, ID } from '../../flow/fields.ts';
import { compact, type Json, type JsonObject } from '../../json.ts';
import { buildNotifications, MAX_NOTIFIED, NOTIFY_TIMEOUT_MS, sendAll } from '../http/notify.ts';
import { asWritten, readInput } from '../node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import { fillForm, findFormProblems, formShape, listFields } from './form.ts';

const MAX_ACTIONS = 10;
const DEFAULT_ACTIONS = [
  { id: 'approve', title: 'Approve' },
  { id: 'reject', title: 'Reject' },
];
// Branches that every node may have.
const TAKEN = ['error', 'timeout'];

const action = z.strictObject({
  id: z
    .string()
    .regex(ID)
    .refine((id) => !TAKEN.includes(id), { error: `must not be ${TAKEN.join(' or ')}` }),
  title: z.string().max(200).optional(),
});

const FIELDS = {
  message: z.string(),
  data: anyValue.optional(),
  assignees: z.array(z.string().max(256)).max(100).optional(),
  notify: z.union([z.string(), z.array(z.string()).max(MAX_NOTIFIED)]).optional(),
};
const LITERAL = {
  form: formShape.optional(),
  actions: z
    .array(action)
    .min(1)
    .max(MAX_ACTIONS)
    .refine((actions) => new Set(actions.map(({ id }) => id)).size === actions.length, {
      error: 'has two actions with the same id',
    })
    .optional(),
};
const evaluated = z.strictObject({ ...FIELDS, ...LITERAL });
type Approval = z.infer<typeof evaluated>;

interface ApprovalWith extends JsonObject {
  form: JsonObject;
  actions: { id: string; title: string }[];
}

const listActions = ({ actions }: Pick<ApprovalWith, 'actions'>) => actions ?? DEFAULT_ACTIONS;

function buildPrompt(context: NodeContext, { message, data, assignees, form, actions }: Approval): JsonObject {
  return compact({
    message,
    actions: (actions ?? DEFAULT_ACTIONS) as Json,
    ...(form && { form: listFields(form as Json) }),
    assignees,
    data,
    url: context.callbackUrl(),
  });
}

const answerSchema = z.strictObject({
  action: z.string(),
  form: z.record(z.string(), z.json()).optional(),
  by: z.string().max(256).optional(),
});

export const APPROVAL: NodeKind<ApprovalWith> = {
  type: 'approval',
  summary: 'Waits until somebody decides. Gives {action, form, by} and takes the branch of the action.',
  fields: {
    message: 'What is to be decided',
    data: 'More for whoever decides',
    assignees: 'Who is to decide',
    notify: 'Addresses that get a POST about the wait',
    form: 'Fields that the answer fills in',
    actions: 'The answers to choose from, each a branch (approve, reject)',
  },
  with: asWritten({ ...FIELDS, ...LITERAL }, LITERAL),
  defaultTimeoutMs: (MAX_NOTIFIED + 1) * NOTIFY_TIMEOUT_MS,
  waits: () => true,
  ports: (source) => listActions(source).map(({ id }) => id),
  blocks: () => ({ sync: 'waits for an approval' }),

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const prompt = buildPrompt(context, read.input);
    const { url, ...details } = prompt;
    return {
      kind: 'wait',
      wait: { kind: 'approval', until: context.now() + context.timeoutMs, prompt },
      notify: () => sendAll(context, buildNotifications(context, read.input.notify, details as JsonObject)),
    };
  },

  async refuses(source, payload) {
    const parsed = answerSchema.safeParse(payload);
    if (!parsed.success) {
      return parsed.error.issues.map(({ path, message }) => ({ field: path.join('.') || 'action', message }));
    }
    const known = listActions(source).map(({ id }) => id);
    const { action: chosen, form } = parsed.data;
    if (!known.includes(chosen)) return [{ field: 'action', message: `must be one of ${known.join(', ')}` }];
    return findFormProblems(source.form, form as Json | undefined);
  },

  async resume(_, input, resumption): Promise<Outcome> {
    if (resumption.by === 'timer') return failed('node-timed-out', 'Nobody decided in time');
    const { payload, by } = resumption.signal;
    const answer = answerSchema.parse(payload);
    const form = fillForm(input.form, answer.form as Json | undefined);
    return done({ action: answer.action, form, by: answer.by ?? by ?? null }, { port: answer.action });
  },
};
