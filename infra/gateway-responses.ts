// What API Gateway answers on its own, before or instead of the function: in the envelope of the native API.

import { type GatewayResponseOptions, ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';

interface OwnAnswer {
  type: ResponseType;
  status: number;
  /** A code of lambdas/core/errors.ts. */
  code: string;
  message: string;
}

const OWN_ANSWERS: readonly OwnAnswer[] = [
  { type: ResponseType.THROTTLED, status: 429, code: 'rate-limited', message: 'Too many requests' },
  { type: ResponseType.QUOTA_EXCEEDED, status: 429, code: 'rate-limited', message: 'Too many requests' },
  { type: ResponseType.REQUEST_TOO_LARGE, status: 413, code: 'payload-too-large', message: 'The payload is too large' },
  { type: ResponseType.WAF_FILTERED, status: 403, code: 'forbidden', message: 'The request was refused by a firewall' },
  { type: ResponseType.ACCESS_DENIED, status: 403, code: 'forbidden', message: 'The request was refused by a policy' },
  {
    type: ResponseType.INTEGRATION_FAILURE,
    status: 503,
    code: 'unavailable',
    message: 'The platform is briefly unavailable',
  },
  {
    type: ResponseType.INTEGRATION_TIMEOUT,
    status: 503,
    code: 'unavailable',
    message: 'The platform did not answer in time',
  },
];

export function useErrorEnvelope(api: RestApi): void {
  for (const { type, status, code, message } of OWN_ANSWERS) {
    api.addGatewayResponse(type.responseType, {
      type,
      statusCode: `${status}`,
      ...envelope(code, JSON.stringify(message)),
    });
  }
  // Whatever else API Gateway finds wrong in a request keeps its own status and words; `messageString` comes with its quotes.
  const words = '$context.error.messageString';
  api.addGatewayResponse('Default4xx', { type: ResponseType.DEFAULT_4XX, ...envelope('invalid-request', words) });
  // A function that Lambda throttles is a 500 of the gateway, of no type of its own: it is worth another try, soon.
  const busy = envelope('unavailable', JSON.stringify('The platform is briefly unavailable'));
  api.addGatewayResponse('Default5xx', { type: ResponseType.DEFAULT_5XX, statusCode: '503', ...busy });
}

/** Clients of Dify upload files here, and read these fields of an error. */
const DIFY_FIELDS: Record<string, string> = {
  'payload-too-large': ',"code":"file_too_large","message":"File size exceeded.","status":413',
};

const RETRYABLE = ['rate-limited', 'unavailable'];
const RETRY_AFTER_SECONDS = 2;

function envelope(code: string, message: string): Omit<GatewayResponseOptions, 'type'> {
  return {
    templates: {
      'application/json': `{"error":{"code":"${code}","message":${message},"requestId":"$context.requestId"}${DIFY_FIELDS[code] ?? ''}}`,
    },
    // As the function's own answers, which lambdas/http/render.ts writes.
    responseHeaders: {
      'Content-Type': "'application/json'",
      'Cache-Control': "'no-store'",
      'Strict-Transport-Security': "'max-age=63072000; includeSubDomains'",
      'X-Content-Type-Options': "'nosniff'",
      ...(RETRYABLE.includes(code) && { 'Retry-After': `'${RETRY_AFTER_SECONDS}'` }),
    },
  };
}
