// Our error codes as Qianfan has them: `{request_id, code, message}`.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import type { ApiError, ErrorCode } from '../../errors.ts';
import { type ApiRequest, json, renameFields, type VendorError } from '../dialect.ts';

const INVALID = { status: 400, code: 'InvalidParameter' };
const CONFLICT = { status: 409, code: 'InvalidParameter' };
const NOT_FOUND = { status: 404, code: 'NotFound' };
const DENIED = { status: 403, code: 'PermissionDeniedError' };
const LIMIT = { status: 429, code: 'RateLimitExceeded' };
const INTERNAL = { status: 500, code: 'InternalError' };

export const errors = {
  'invalid-request': INVALID,
  'invalid-inputs': INVALID,
  'invalid-flow': INVALID,
  'async-unsupported': INVALID,
  'sync-unsupported': INVALID,
  'async-not-entitled': DENIED,
  'too-many-webhooks': INVALID,
  'unsafe-url': INVALID,
  'payload-too-large': { status: 413, code: 'InvalidParameter' },
  unauthenticated: { status: 401, code: 'AuthenticationError' },
  forbidden: DENIED,
  'flow-not-found': NOT_FOUND,
  'flow-not-published': NOT_FOUND,
  'flow-disabled': DENIED,
  'version-not-found': NOT_FOUND,
  'run-not-found': NOT_FOUND,
  'not-found': NOT_FOUND,
  'idempotency-conflict': CONFLICT,
  'run-already-settled': CONFLICT,
  'run-not-settled': CONFLICT,
  'signal-not-awaited': CONFLICT,
  'signal-already-given': CONFLICT,
  'tenant-over-limit': LIMIT,
  'rate-limited': LIMIT,
  'node-failed': INTERNAL,
  'node-timed-out': INTERNAL,
  'expression-failed': INTERNAL,
  'model-not-configured': INTERNAL,
  'model-quota': LIMIT,
  'model-unavailable': INTERNAL,
  'run-expired': INTERNAL,
  'run-crashed': INTERNAL,
  'run-canceled': INTERNAL,
  'budget-exceeded': INTERNAL,
  unavailable: { status: 503, code: 'InternalError' },
  internal: INTERNAL,
} as const satisfies Record<ErrorCode, VendorError>;

export const errorSchema = z.object({ request_id: z.string(), code: z.string(), message: z.string() });

// The vendor's own text.
const NO_PERMISSION = '没有权限';

export function renderError(error: ApiError, { id }: Pick<ApiRequest, 'id'>): Reply {
  const { status, code } = errors[error.code];
  const message = code === DENIED.code ? NO_PERMISSION : renameFields(error, { inputs: 'parameters' }).message;
  return json(status, { request_id: id, code, message }, { 'x-appbuilder-request-id': id });
}
