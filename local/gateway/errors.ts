// The gateway's own errors, worded as the template's gateway responses say, or as API Gateway words them otherwise.

import type { ServerResponse } from 'node:http';
import type { GatewayError } from '../blueprint/routes.ts';

// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
const ERRORS = {
  BAD_REQUEST: { status: 400, message: 'Bad Request' },
  // Named by us: API Gateway has no type of its own for these three, so a default response words them.
  FUNCTION_FAILURE: { status: 502, message: 'Internal server error' },
  FUNCTION_THROTTLED: { status: 500, message: 'Internal server error' },
  HEADERS_TOO_LARGE: { status: 431, message: 'Request Header Fields Too Large' },
  INTEGRATION_TIMEOUT: { status: 504, message: 'Endpoint request timed out' },
  MISSING_AUTHENTICATION_TOKEN: { status: 403, message: 'Missing Authentication Token' },
  REQUEST_TOO_LARGE: { status: 413, message: 'Request Too Long' },
} as const;

export type GatewayErrorType = keyof typeof ERRORS;

export interface WordedError {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export function wordError(type: GatewayErrorType, requestId: string, errors: GatewayError[]): WordedError {
  const { status, message } = ERRORS[type];
  const fallback = status < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX';
  const worded = errors.find((error) => error.type === type) ?? errors.find((error) => error.type === fallback);
  const variables: Record<string, string> = {
    'error.message': message,
    'error.messageString': JSON.stringify(message),
    'error.responseType': type,
    requestId,
  };
  const template = worded?.template ?? '{"message":$context.error.messageString}';
  return {
    // A default response without a status keeps that of the error which it words.
    status: worded?.status ?? status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId, ...worded?.headers },
    body: template.replace(/\$context\.(error\.\w+|requestId)/g, (whole, name: string) => variables[name] ?? whole),
  };
}

export function sendError(response: ServerResponse, { status, headers, body }: WordedError): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
