// Our error codes as Tencent has them. The HTTP status is always 200: with any other, its SDK shows only the status text.

import * as z from 'zod';
import type { Reply } from '../../api/reply.ts';
import { ApiError, type ErrorCode } from '../../errors.ts';
import { type ApiRequest, json, renameFields, type VendorError } from '../dialect.ts';
import { writeEvent } from '../sse.ts';
import { isDialogue, renderErrorEvent, SEPARATOR, SERVER_BUSY } from './events.ts';

/** Its SDK for Python compares the content type as a text: with a charset it would take an error for a success. */
export const JSON_HEADERS = { 'content-type': 'application/json' };

const vendorError = (code: string): VendorError & { code: string } => ({ status: 200, code });

export const errors = {
  'invalid-request': vendorError('InvalidParameter'),
  'invalid-inputs': vendorError('InvalidParameterValue'),
  'invalid-flow': vendorError('FailedOperation'),
  'async-unsupported': vendorError('FailedOperation'),
  'sync-unsupported': vendorError('FailedOperation'),
  'async-not-entitled': vendorError('UnsupportedOperation'),
  'too-many-webhooks': vendorError('InvalidParameterValue'),
  'unsafe-url': vendorError('InvalidParameterValue'),
  'payload-too-large': vendorError('InvalidParameterValue'),
  unauthenticated: vendorError('AuthFailure.SecretIdNotFound'),
  forbidden: vendorError('AuthFailure.UnauthorizedOperation'),
  'flow-not-found': vendorError('ResourceNotFound'),
  'flow-not-published': vendorError('FailedOperation'),
  'flow-disabled': vendorError('FailedOperation'),
  'version-not-found': vendorError('ResourceNotFound'),
  'run-not-found': vendorError('ResourceNotFound'),
  'not-found': vendorError('ResourceNotFound'),
  'idempotency-conflict': vendorError('FailedOperation'),
  'run-already-settled': vendorError('FailedOperation'),
  'run-not-settled': vendorError('FailedOperation'),
  'signal-not-awaited': vendorError('FailedOperation'),
  'signal-already-given': vendorError('FailedOperation'),
  'tenant-over-limit': vendorError('LimitExceeded'),
  'rate-limited': vendorError('RequestLimitExceeded'),
  'node-failed': vendorError('FailedOperation'),
  'node-timed-out': vendorError('FailedOperation'),
  'expression-failed': vendorError('FailedOperation'),
  'model-not-configured': vendorError('FailedOperation'),
  'model-quota': vendorError('LimitExceeded'),
  'model-unavailable': vendorError('FailedOperation'),
  'run-expired': vendorError('FailedOperation'),
  'run-crashed': vendorError('FailedOperation'),
  'run-canceled': vendorError('FailedOperation'),
  'budget-exceeded': vendorError('LimitExceeded'),
  unavailable: vendorError('InternalError'),
  internal: vendorError('InternalError'),
} as const satisfies Record<ErrorCode, VendorError>;

/** An error for which the vendor has a more exact code than we have. */
export class TencentError extends ApiError {
  readonly vendorCode: string;

  constructor(code: ErrorCode, vendorCode: string, message: string) {
    super(code, message);
    this.vendorCode = vendorCode;
  }
}

function renderCode(error: ApiError): string {
  if (error instanceof TencentError) return error.vendorCode;
  const isMissing = error.code === 'invalid-request' && error.details?.some(({ message }) => message === 'is required');
  return isMissing ? 'MissingParameter' : errors[error.code].code;
}

export const errorSchema = z.object({
  Response: z.object({ Error: z.object({ Code: z.string(), Message: z.string() }), RequestId: z.string() }),
});

export function renderError(error: ApiError, request: Pick<ApiRequest, 'id' | 'path' | 'body'>): Reply {
  if (isDialogue(request)) return renderDialogueError(error, request);
  const response = { Error: { Code: renderCode(error), Message: renderMessage(error) }, RequestId: request.id };
  return json(errors[error.code].status, { Response: response }, JSON_HEADERS);
}

/** An error has no details here, so the text names the nodes that are in the way. */
function renderMessage(error: ApiError): string {
  const { code, message, details = [] } = error;
  if (code !== 'async-unsupported' || details.length === 0) {
    return renameFields(error, { inputs: 'CustomVariables' }).message;
  }
  const blockers = details.map(({ field = '', line, message: blocker }) => {
    const node = field.replace(/^nodes\./, '');
    return `${node === '' ? '' : `node '${node}' `}(line ${line}) ${blocker}`;
  });
  return `${message.replace(/:[^:]*$/, '')}: ${blockers.join('; ')}`;
}

const INVALID = 400;
const NO_APPLICATION = 460_004;
const TOO_MANY = 460_031;
const NOT_PUBLISHED = 460_021;
const DIALOGUE_CODES: Partial<Record<ErrorCode, number>> = {
  'invalid-request': INVALID,
  'invalid-inputs': INVALID,
  'payload-too-large': INVALID,
  'sync-unsupported': INVALID,
  unauthenticated: NO_APPLICATION,
  forbidden: NO_APPLICATION,
  'flow-not-found': NO_APPLICATION,
  'flow-not-published': NOT_PUBLISHED,
  'flow-disabled': NOT_PUBLISHED,
  'tenant-over-limit': TOO_MANY,
  'rate-limited': TOO_MANY,
};

/** The clients of a dialogue read events: an error is an event too, with the status 200. */
function renderDialogueError(error: ApiError, { id, body }: Pick<ApiRequest, 'id' | 'body'>): Reply {
  const event = renderErrorEvent({
    code: DIALOGUE_CODES[error.code] ?? SERVER_BUSY,
    message: error.message,
    requestId: findRequestId(body) ?? id,
  });
  return { status: 200, body: { text: writeEvent(event, SEPARATOR), type: 'text/event-stream' } };
}

/** Also from a body that is not valid JSON. */
function findRequestId(body: Uint8Array): string | undefined {
  const [, id] = /"request_id"\s*:\s*"([\w-]{1,255})"/.exec(new TextDecoder().decode(body.subarray(0, 8_192))) ?? [];
  return id;
}
