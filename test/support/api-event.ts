// Events as API Gateway (REST, Lambda proxy) sends them, and the HTTP layer as a function from a call to its answer.

import type { APIGatewayProxyEvent } from 'aws-lambda';
import { readRequest } from '../../lambdas/api-gateway/event.ts';
import type { Dialect } from '../../lambdas/core/dialects/dialect.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { makeAnswer } from '../../lambdas/http/answer.ts';

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
  const sent = { host: 'api.example.com', 'x-forwarded-proto': 'https', ...headers };
  return {
    resource: bare === '/' ? '/' : '/{proxy+}',
    httpMethod: method ?? (body === undefined ? 'GET' : 'POST'),
    path: bare,
    pathParameters: bare === '/' ? null : { proxy: decodeSafely(bare.slice(1)) },
    headers: sent,
    multiValueHeaders: {
      ...Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, [value]])),
      ...repeated,
    },
    queryStringParameters: null,
    multiValueQueryStringParameters: search === '' ? null : many,
    body: body === undefined ? null : bytes.toString('base64'),
    isBase64Encoded: body !== undefined,
    stageVariables: null,
    requestContext: {
      requestId: 'request-1',
      domainName: 'api.example.com',
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

/** All of the HTTP layer, with its answers collected. */
export function makeApi(dialects: readonly [Dialect, ...Dialect[]], ports: Ports) {
  const answer = makeAnswer({ dialects, fallback: dialects[0], ports });
  return async (call: ApiCall): Promise<ApiAnswer> => {
    const event = apiEvent(call);
    const request = readRequest(event, { id: event.requestContext.requestId, receivedAt: ports.clock.now() });
    const { status, headers, body } = await answer(request);
    const text = typeof body === 'string' ? body : await collect(body instanceof Uint8Array ? [body] : body);
    return { status, headers, text, json: () => JSON.parse(text) };
  };
}

async function collect(stream: AsyncIterable<string> | Iterable<Uint8Array>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}
