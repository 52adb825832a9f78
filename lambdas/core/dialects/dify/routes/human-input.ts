// Reading and submitting the forms that runs wait for.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { canAccess } from '../../../access/run-access.ts';
import { signalByToken } from '../../../api/signal.ts';
import { ApiError } from '../../../errors.ts';
import type { JsonObject } from '../../../json.ts';
import type { Ports } from '../../../ports/ports.ts';
import type { NodeWait } from '../../../run.ts';
import { json, route } from '../../dialect.ts';
import { DifyError } from '../errors.ts';
import { isExpired, renderExpiration, renderForm } from '../human-input.ts';

const tag = 'Dify';
const params = z.object({ form_token: z.string() });

/** An answer that does not match the form has its own code in Dify. */
async function renameInvalidForm(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'invalid-request') throw error;
    throw new DifyError('invalid-request', { status: 400, code: 'invalid_form_data' }, error.message);
  }
}

/** The wait that a token belongs to, if the caller may access its run. */
async function findWait(ports: Ports, caller: Caller, token: string): Promise<NodeWait> {
  await ports.keyring.ready();
  const waiting = ports.keyring.readSignalToken(token);
  const run = waiting && (await ports.runs.get(waiting.runId));
  const { records } = run && canAccess(caller, run) ? await ports.runs.load(run.id) : { records: [] };
  const record = records.find(({ path }) => path === waiting?.path);
  if (!record) throw new ApiError('not-found', 'Form not found');
  if (record.status === 'waiting' && record.wait) return record.wait;
  if (isExpired(record)) {
    const expired = { status: 412, code: 'human_input_form_expired' };
    throw new DifyError('signal-already-given', expired, 'The form has expired');
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
    summary: 'Read a form that a run waits for',
    params,
    answers: { 200: { description: 'The form' } },
    errors: [],
    async handle({ caller, params: { form_token } }, ports) {
      const wait = await findWait(ports, caller, form_token);
      const { actions, ...form } = renderForm(wait.prompt);
      return json(200, { ...form, user_actions: actions, expiration_time: renderExpiration(wait) });
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
      await findWait(ports, caller, form_token);
      const form = body.inputs as JsonObject;
      await renameInvalidForm(
        signalByToken(ports, form_token, { action: body.action, form, ...(body.user && { by: body.user }) }),
      );
      return json(200, {});
    },
  }),
];
