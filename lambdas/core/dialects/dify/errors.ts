// Our error codes in Dify's words: `{code, message, status}`.

import { ApiError, type ErrorCode } from '../../errors.ts';
import type { VendorError } from '../dialect.ts';

const PARAM = { status: 400, code: 'invalid_param' };
const BAD = { status: 400, code: 'bad_request' };
const NOT_FOUND = { status: 404, code: 'not_found' };
const CONFLICT = { status: 409, code: 'bad_request' };
const FAILED = { status: 400, code: 'workflow_request_error' };
const SERVER = { status: 500, code: 'internal_server_error' };

export const errors = {
  'invalid-request': PARAM,
  'invalid-inputs': PARAM,
  'invalid-flow': { status: 400, code: 'app_unavailable' },
  'async-unsupported': BAD,
  'sync-unsupported': BAD,
  'async-not-entitled': { status: 403, code: 'forbidden' },
  'too-many-webhooks': PARAM,
  'unsafe-url': PARAM,
  'payload-too-large': { status: 413, code: 'file_too_large' },
  unauthenticated: { status: 401, code: 'unauthorized' },
  forbidden: { status: 403, code: 'forbidden' },
  'flow-not-found': { status: 400, code: 'app_unavailable' },
  'flow-not-published': PARAM,
  'flow-disabled': { status: 400, code: 'app_unavailable' },
  'version-not-found': NOT_FOUND,
  'run-not-found': NOT_FOUND,
  'not-found': NOT_FOUND,
  'idempotency-conflict': CONFLICT,
  'run-already-settled': CONFLICT,
  'run-not-settled': CONFLICT,
  'signal-not-awaited': NOT_FOUND,
  'signal-already-given': { status: 412, code: 'human_input_form_submitted' },
  'tenant-over-limit': { status: 429, code: 'too_many_requests' },
  'rate-limited': { status: 429, code: 'rate_limit_error' },
  'node-failed': FAILED,
  'node-timed-out': FAILED,
  'expression-failed': FAILED,
  'model-not-configured': { status: 400, code: 'provider_not_initialize' },
  'model-quota': { status: 400, code: 'provider_quota_exceeded' },
  'model-unavailable': { status: 400, code: 'model_currently_not_support' },
  'run-expired': FAILED,
  'run-crashed': FAILED,
  'run-canceled': FAILED,
  'budget-exceeded': { status: 400, code: 'provider_quota_exceeded' },
  unavailable: { status: 503, code: 'internal_server_error' },
  internal: SERVER,
} as const satisfies Record<ErrorCode, VendorError>;

/** One of those that Dify tells apart and we do not. */
export class DifyError extends ApiError {
  readonly said: VendorError;
  constructor(code: ErrorCode, said: VendorError, message: string) {
    super(code, message);
    this.said = said;
  }
}

export const saidBy = (error: ApiError): VendorError => (error instanceof DifyError ? error.said : errors[error.code]);

/** Its clients show these sentences, and some compare them. */
export function renderMessage({ code, message, details }: ApiError): string {
  switch (code) {
    case 'flow-not-published':
      return 'Workflow not published';
    case 'run-not-found':
      return 'Workflow run not found.';
    case 'invalid-inputs':
      return details?.map(({ field = '', message: said }) => inForm(field, said)).join('; ') ?? message;
    case 'invalid-request':
      return details?.some(({ field, message: said }) => field === 'user' && said === 'is required')
        ? 'Arg user must be provided.'
        : message;
    default:
      return message;
  }
}

function inForm(field: string, said: string): string {
  const name = field.replace(/^inputs\./, '');
  return said === 'is required'
    ? `${name} is required in input form`
    : `${name} in input form ${said.replace('must be a text', 'must be a string')}`;
}
