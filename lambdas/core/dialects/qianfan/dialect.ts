// Baidu Qianfan's workflow components. Errors are `{request_id, code, message}`.

import * as z from 'zod';
import { authenticate } from '../../access/keys.ts';
import { ApiError, type ErrorCode } from '../../errors.ts';
import { type ApiRequest, type Dialect, json, readBearer, renderErrorIn, type VendorError } from '../dialect.ts';
import { componentRoutes } from './routes.ts';
import { toolRoutes } from './tool.ts';

const INVALID = { status: 400, code: 'InvalidParameter' };
const CONFLICT = { status: 409, code: 'InvalidParameter' };
const NOT_FOUND = { status: 404, code: 'NotFound' };
const DENIED = { status: 403, code: 'PermissionDeniedError' };
const LIMIT = { status: 429, code: 'RateLimitExceeded' };
const INTERNAL = { status: 500, code: 'InternalError' };

const errors = {
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

// The vendor's own words.
const NO_PERMISSION = '没有权限';

function keyOf(request: ApiRequest): string {
  const key = readBearer(request);
  if (key !== undefined) return key;
  throw new ApiError('unauthenticated', 'Send your key as: Authorization: Bearer <key>');
}

export const qianfan: Dialect = {
  name: 'qianfan',
  routes: [...toolRoutes, ...componentRoutes],
  authenticate: (request, ports) => authenticate(ports, keyOf(request), 'qianfan'),
  errors,
  errorSchema: z.object({ request_id: z.string(), code: z.string(), message: z.string() }),
  error(error, { id }) {
    const { status, code } = errors[error.code];
    const message = error.code === 'forbidden' ? NO_PERMISSION : renderErrorIn(error, { inputs: 'parameters' }).message;
    return json(status, { request_id: id, code, message }, { 'x-appbuilder-request-id': id });
  },
};
