// Our error codes in Tencent's words. The HTTP status is always 200: on any other its SDK shows the status text alone.

import { ApiError, type ErrorCode } from '../../errors.ts';
import type { VendorError } from '../dialect.ts';

const says = (code: string): VendorError & { code: string } => ({ status: 200, code });

export const errors = {
  'invalid-request': says('InvalidParameter'),
  'invalid-inputs': says('InvalidParameterValue'),
  'invalid-flow': says('FailedOperation'),
  'async-unsupported': says('FailedOperation'),
  'sync-unsupported': says('FailedOperation'),
  'async-not-entitled': says('UnsupportedOperation'),
  'too-many-webhooks': says('InvalidParameterValue'),
  'unsafe-url': says('InvalidParameterValue'),
  'payload-too-large': says('InvalidParameterValue'),
  unauthenticated: says('AuthFailure.SecretIdNotFound'),
  forbidden: says('AuthFailure.UnauthorizedOperation'),
  'flow-not-found': says('ResourceNotFound'),
  'flow-not-published': says('FailedOperation'),
  'flow-disabled': says('FailedOperation'),
  'version-not-found': says('ResourceNotFound'),
  'run-not-found': says('ResourceNotFound'),
  'not-found': says('ResourceNotFound'),
  'idempotency-conflict': says('FailedOperation'),
  'run-already-settled': says('FailedOperation'),
  'run-not-settled': says('FailedOperation'),
  'signal-not-awaited': says('FailedOperation'),
  'signal-already-given': says('FailedOperation'),
  'tenant-over-limit': says('LimitExceeded'),
  'rate-limited': says('RequestLimitExceeded'),
  'node-failed': says('FailedOperation'),
  'node-timed-out': says('FailedOperation'),
  'expression-failed': says('FailedOperation'),
  'model-not-configured': says('FailedOperation'),
  'model-quota': says('LimitExceeded'),
  'model-unavailable': says('FailedOperation'),
  'run-expired': says('FailedOperation'),
  'run-crashed': says('FailedOperation'),
  'run-canceled': says('FailedOperation'),
  'budget-exceeded': says('LimitExceeded'),
  unavailable: says('InternalError'),
  internal: says('InternalError'),
} as const satisfies Record<ErrorCode, VendorError>;

/** An error for which the vendor has a finer word than we have. */
export class TencentError extends ApiError {
  readonly vendorCode: string;

  constructor(code: ErrorCode, renderCode: string, message: string) {
    super(code, message);
    this.vendorCode = renderCode;
  }
}

export function vendorCode(error: ApiError): string {
  if (error instanceof TencentError) return error.vendorCode;
  const isMissing = error.code === 'invalid-request' && error.details?.some(({ message }) => message === 'is required');
  return isMissing ? 'MissingParameter' : errors[error.code].code;
}
