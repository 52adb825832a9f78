// Our error codes as GPTBots has them: `{code, message}`.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import type { ApiError, ErrorCode } from '../../errors.ts';
import { json, renameFields, type VendorError } from '../dialect.ts';

const INVALID = { status: 400, code: 40000 };
const NO_WORKFLOW = { status: 404, code: 20059 };
const SYSTEM = { status: 500, code: 50000 };

/** The vendor does not document HTTP statuses. These match the codes, because its clients throw on them. */
export const errors = {
  'invalid-request': INVALID,
  'invalid-inputs': INVALID,
  'invalid-flow': INVALID,
  'async-unsupported': INVALID,
  'sync-unsupported': INVALID,
  'async-not-entitled': { status: 403, code: 40353 },
  'too-many-webhooks': INVALID,
  'unsafe-url': INVALID,
  'payload-too-large': { status: 413, code: 40000 },
  unauthenticated: { status: 401, code: 40127 },
  forbidden: { status: 403, code: 20055 },
  'flow-not-found': NO_WORKFLOW,
  'flow-not-published': NO_WORKFLOW,
  'flow-disabled': { status: 403, code: 20055 },
  'version-not-found': NO_WORKFLOW,
  'run-not-found': { status: 404, code: 40000 },
  'not-found': { status: 404, code: 40000 },
  'idempotency-conflict': { status: 409, code: 40000 },
  'run-already-settled': { status: 409, code: 40000 },
  'run-not-settled': { status: 409, code: 40000 },
  'signal-not-awaited': { status: 409, code: 40000 },
  'signal-already-given': { status: 409, code: 40000 },
  'tenant-over-limit': { status: 429, code: 42900 },
  'rate-limited': { status: 429, code: 42900 },
  'node-failed': SYSTEM,
  'node-timed-out': SYSTEM,
  'expression-failed': SYSTEM,
  'model-not-configured': SYSTEM,
  'model-quota': { status: 402, code: 20022 },
  'model-unavailable': SYSTEM,
  'run-expired': SYSTEM,
  'run-crashed': SYSTEM,
  'run-canceled': SYSTEM,
  'budget-exceeded': SYSTEM,
  unavailable: { status: 503, code: 50000 },
  internal: SYSTEM,
} as const satisfies Record<ErrorCode, VendorError>;

export const errorSchema = z.object({ code: z.int(), message: z.string() });

export function renderError(error: ApiError): Reply {
  const { status, code } = errors[error.code];
  const { message } = renameFields(error, { inputs: 'input', webhooks: 'webhook' });
  const hint = error.code === 'payload-too-large' ? '; send large files by `url`' : '';
  return json(status, { code, message: `${message}${hint}` });
}
