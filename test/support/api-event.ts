// Events as API Gateway (REST, Lambda proxy) sends them, and the http layer as a function from event to answer.

import middy from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { Dialect } from '../../lambdas/core/dialects/dialect.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { exchangeLayer } from '../../lambdas/http/middleware.ts';
import type { StreamedResponse } from '../../lambdas/http/response.ts';
import { routeTable } from '../../lambdas/http/routes.ts';

export interface ApiCall {
  method?: string;
  /** With its query, as in a URL. */
  path: string;
  headers?: Record<string, string>;
  /** Headers that come more than once, by the spellings that they come in. */
  repeated?: Record<string, string[]>;
  /** An object is sent as JSON. */
  body?: string | Uint8Array | object;
  stage?: string;
}

export function apiEvent({ method, path, headers = {}, repeated = {}, body, stage }: ApiCall): APIGatewayProxyEvent {
  const [bare = '/', search = ''] = path.split('?', 2);
  const many: Record<string, string[]> = Object.create(null);
  for (const [name, value] of new URLSearchParams(search)) many[name] = [...(many[name] ?? []), value];
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array);
  const bytes = isJson ? Buffer.from(JSON.stringify(body)) : Buffer.from(body ?? '');
  const given = { host: 'api.example.com', 'x-forwarded-proto': 'https', ...headers };
  return {
    resource: bare === '/' ? '/' : '/{proxy+}',
    httpMethod: method ?? (body === undefined ? 'GET' : 'POST'),
    path: bare,
    pathParameters: bare === '/' ? null : { proxy: decodeSafely(bare.slice(1)) },
    headers: given,
    multiValueHeaders: {
      ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value]])),
      ...repeated,
    },
    queryStringParameters: null,
    multiValueQueryStringParameters: search === '' ? null : many,
    body: body === undefined ? null : bytes.toString('base64'),
    isBase64Encoded: body !== undefined,
    stageVariables: null,
    requestContext: {
      requestId: 'request-1',
      domainName: 'gateway.example.com',
      path: `${stage ? `/${stage}` : ''}${bare}`,
    } as APIGatewayProxyEvent['requestContext'],
  };
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export interface ApiAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
  json(): Record<string, never>;
}

/** The real stack with buffered answers. */
export function makeApi(dialects: readonly [Dialect, ...Dialect[]], ports: Ports) {
  const handler = middy().use(exchangeLayer(ports, dialects[0])).handler(routeTable(dialects, ports));
  return async (call: ApiCall): Promise<ApiAnswer> => {
    const context = { awsRequestId: 'invocation-1' } as never;
    const answer = (await handler(apiEvent(call) as never, context)) as StreamedResponse;
    const text = typeof answer.body === 'string' ? answer.body : await collect(answer.body);
    return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) };
  };
}

async function collect(stream: AsyncIterable<string | Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}
