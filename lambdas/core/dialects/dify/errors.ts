// Our error codes as Dify has them: `{code, message, status}`.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import { ApiError, type ErrorCode } from '../../errors.ts';
import { json, MethodNotOffered, type VendorError } from '../dialect.ts';

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

/** An error for which Dify has a more exact code than we have. */
export class DifyError extends ApiError {
  readonly vendorError: VendorError;

  constructor(code: ErrorCode, vendorError: VendorError, message: string) {
    super(code, message);
    this.vendorError = vendorError;
  }
}

export const errorSchema = z.object({ code: z.string(), message: z.string(), status: z.int() });

export function renderError(error: ApiError): Reply {
  const { status, code } = readVendorError(error);
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="api"' } : undefined;
  return json(status, { code, message: renderMessage(error), status }, challenge);
}

function readVendorError(error: ApiError): VendorError {
  if (error instanceof DifyError) return error.vendorError;
  return error instanceof MethodNotOffered ? { status: 405, code: 'method_not_allowed' } : errors[error.code];
}

/** The vendor's own messages: its clients show them, and some compare them. */
function renderMessage({ code, message, details }: ApiError): string {
  switch (code) {
    case 'flow-not-published':
      return 'Workflow not published';
    case 'run-not-found':
      return 'Workflow run not found.';
    case 'invalid-inputs':
      return (
        details?.map(({ field = '', message: problem }) => renderFormProblem(field, problem)).join('; ') ?? message
      );
    case 'invalid-request':
      return details?.some(({ field, message: problem }) => field === 'user' && problem === 'is required')
        ? 'Arg user must be provided.'
        : message;
    default:
      return message;
  }
}

function renderFormProblem(field: string, problem: string): string {
  const name = field.replace(/^inputs\./, '');
  if (problem === 'is required') return `${name} is required in input form`;
  const [, options] = /^must be one of ([^(]*?)(?: \(.*)?$/.exec(problem) ?? [];
  if (options !== undefined) {
    const list = options.split(', ').map((option) => `'${option}'`);
    return `${name} in input form must be one of the following: [${list.join(', ')}]`;
  }
  const said = problem
    .replace(/^must have at most (\d+) characters$/, 'must be less than $1 characters')
    .replace(/^must be a (whole )?number$/, 'must be a valid number');
  return `${name} in input form ${said}`;
}
