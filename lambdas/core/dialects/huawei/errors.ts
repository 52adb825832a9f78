// Our error codes as Huawei has them: `{error_code, error_msg}`.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import type { ApiError, ErrorCode } from '../../errors.ts';
import { type ApiRequest, json, renameFields, type VendorError } from '../dialect.ts';

const PARAMETER = { status: 400, code: 'openjiuwen.02001003' };
const WORKFLOW = { status: 400, code: 'openjiuwen.02201005' };
const NO_WORKFLOW = { status: 404, code: 'openjiuwen.02201004' };
const QUOTA = { status: 403, code: 'openjiuwen.02001017' };
const NODE = { status: 500, code: 'openjiuwen.02201003' };
const CONFLICT = { status: 409, code: 'openjiuwen.02001003' };

export const errors = {
  'invalid-request': PARAMETER,
  'invalid-inputs': PARAMETER,
  'invalid-flow': WORKFLOW,
  'async-unsupported': WORKFLOW,
  'sync-unsupported': WORKFLOW,
  'async-not-entitled': QUOTA,
  'too-many-webhooks': PARAMETER,
  'unsafe-url': PARAMETER,
  'payload-too-large': { status: 413, code: 'openjiuwen.02001003' },
  unauthenticated: { status: 401, code: 'APIG.1002' },
  forbidden: { status: 403, code: 'APIG.1005' },
  'flow-not-found': NO_WORKFLOW,
  'flow-not-published': NO_WORKFLOW,
  'flow-disabled': WORKFLOW,
  'version-not-found': NO_WORKFLOW,
  'run-not-found': NO_WORKFLOW,
  'not-found': NO_WORKFLOW,
  'idempotency-conflict': CONFLICT,
  'run-already-settled': CONFLICT,
  'run-not-settled': CONFLICT,
  'signal-not-awaited': CONFLICT,
  'signal-already-given': CONFLICT,
  'tenant-over-limit': { status: 429, code: 'openjiuwen.02001017' },
  'rate-limited': { status: 429, code: 'openjiuwen.02001017' },
  'node-failed': NODE,
  'node-timed-out': NODE,
  'expression-failed': NODE,
  'model-not-configured': NODE,
  'model-quota': NODE,
  'model-unavailable': NODE,
  'run-expired': { status: 500, code: 'openjiuwen.02001038' },
  'run-crashed': NODE,
  'run-canceled': NODE,
  'budget-exceeded': NODE,
  unavailable: { status: 503, code: 'openjiuwen.02001002' },
  internal: { status: 500, code: 'openjiuwen.02001002' },
} as const satisfies Record<ErrorCode, VendorError>;

/** The code of a run's error. A code that the flow's author has chosen stays as it is. */
export function renderCode(code: string): string {
  return code in errors ? errors[code as ErrorCode].code : code;
}

export const errorSchema = z.object({ error_code: z.string(), error_msg: z.string() });

export function renderError(error: ApiError, { id }: Pick<ApiRequest, 'id'>): Reply {
  const { status, code } = errors[error.code];
  const { message } = renameFields(error, { plugins: 'plugin_configs' });
  return json(status, { error_code: code, error_msg: message }, { 'x-request-id': id });
}
