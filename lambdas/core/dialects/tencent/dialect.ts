// Tencent Cloud's API 3.0 for workflow runs: one address, the action in a header, every answer inside `Response`.

import * as z from 'zod';
import { parseOrReject } from '../../parse/parse-or-reject.ts';
import { type Dialect, json, renameFields, route } from '../dialect.ts';
import { authenticate, DIALOGUE_PATH } from './authenticate.ts';
import { errors, TencentError, vendorCode } from './errors.ts';
import { ACTIONS } from './routes/actions.ts';
import { dialogueRoute, refusedDialogue } from './routes/dialogue.ts';

const VERSION = '2023-11-30';

const act = route({
  id: 'tencentAction',
  method: 'POST',
  path: '/',
  access: 'run',
  tag: 'Tencent Cloud',
  summary: 'Perform the action that X-TC-Action names',
  headers: { 'X-TC-Action': Object.keys(ACTIONS).join(', '), 'X-TC-Version': VERSION },
  body: { kind: 'json', schema: z.looseObject({}), optional: true },
  answers: { 200: { description: 'The answer or the error, inside `Response`' } },
  errors: [],
  async handle({ body, caller, request }, ports) {
    const name = request.headers['x-tc-action'] ?? '';
    const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
    if (!action) {
      const known = Object.keys(ACTIONS).join(', ');
      throw new TencentError('not-found', 'InvalidAction', `X-TC-Action '${name.slice(0, 64)}' is none of ${known}`);
    }
    if (request.headers['x-tc-version'] !== VERSION) {
      throw new TencentError('invalid-request', 'NoSuchVersion', `X-TC-Version must be ${VERSION}`);
    }
    const answer = await action.act({ ports, caller, request }, parseOrReject(action.schema, body));
    return json(200, { Response: { ...answer, RequestId: request.id } });
  },
});

export const tencent: Dialect = {
  name: 'tencent',
  routes: [act, dialogueRoute],
  authenticate: authenticate,
  errors,
  errorSchema: z.object({
    Response: z.object({ Error: z.object({ Code: z.string(), Message: z.string() }), RequestId: z.string() }),
  }),
  renderError(error, request) {
    const { id } = request;
    if (request.path === DIALOGUE_PATH) return refusedDialogue(error, request);
    const { message } = renameFields(error, { inputs: 'CustomVariables' });
    return json(errors[error.code].status, {
      Response: { Error: { Code: vendorCode(error), Message: message }, RequestId: id },
    });
  },
};
