// From an API Gateway event (REST, Lambda proxy) to the request of the dialects. Nothing is checked here: the route
// refuses a wrong request, in the error form of its dialect.

import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { ApiRequest } from '../core/dialects/dialect.ts';

/** Names in two spellings are one header: a check of one value must not miss the other. */
function readRepeatedHeaders(event: APIGatewayProxyEvent): Record<string, string> {
  const all = Object.entries(event.multiValueHeaders ?? {}).map(([name, values = []]) => ({ name, values }));
  const spellings = Map.groupBy(all, ({ name }) => name.toLowerCase());
  const headers: Record<string, string> = Object.create(null);
  for (const [name, same] of spellings) {
    const values = same.flatMap((it) => it.values);
    if (values.length > 0) headers[name] = values.join(', ');
  }
  return headers;
}

function readHeaders(event: APIGatewayProxyEvent): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return Object.assign(headers, readRepeatedHeaders(event));
}

function readQuery(event: APIGatewayProxyEvent): URLSearchParams {
  const query = new URLSearchParams();
  const many = Object.entries(event.multiValueQueryStringParameters ?? {});
  for (const [name, values] of many) for (const value of values ?? []) query.append(name, value);
  if (many.length > 0) return query;
  for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) query.append(name, value ?? '');
  return query;
}

function decodeSafely(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/**
 * The path after the base path of a custom domain, which API Gateway leaves in `event.path`
 * and not in the (decoded) parameter of `/{proxy+}`.
 */
function readPath(event: APIGatewayProxyEvent): string {
  const proxy = event.pathParameters?.['proxy'];
  if (proxy === undefined) return event.resource === '/' ? '/' : event.path;
  const whole = decodeSafely(event.path);
  const basePath = whole.endsWith(`/${proxy}`) ? whole.slice(0, whole.length - proxy.length - 1) : '';
  return event.path.startsWith(basePath) ? event.path.slice(basePath.length) : event.path;
}

/** What comes before the path in the caller's URL: a stage, the base path of a domain, or nothing. */
function readPrefix(event: APIGatewayProxyEvent, path: string): string {
  const full = event.requestContext?.path ?? event.path;
  const below = path === '/' ? '' : path;
  return full.endsWith(below) ? full.slice(0, full.length - below.length).replace(/\/+$/, '') : '';
}

/** Callback addresses begin with it, so it is never what a caller claims in `Host`: the gateway knows under which name it runs. */
function readOrigin(event: APIGatewayProxyEvent, headers: Record<string, string>, path: string): string {
  const host = event.requestContext?.domainName ?? 'localhost';
  const protocol = headers['x-forwarded-proto'] === 'http' ? 'http' : 'https';
  return `${protocol}://${host}${readPrefix(event, path)}`;
}

interface Arrival {
  id: string;
  receivedAt: number;
  /** Where callers reach the platform, as the deployment says; it wins over the gateway's own name. */
  publicOrigin?: string;
}

export function readRequest(event: APIGatewayProxyEvent, { publicOrigin, ...arrival }: Arrival): ApiRequest {
  const headers = readHeaders(event);
  const path = readPath(event);
  return {
    ...arrival,
    method: event.httpMethod.toUpperCase(),
    path: path.replace(/\/{2,}/g, '/'),
    origin: publicOrigin?.replace(/\/+$/, '') || readOrigin(event, headers, path),
    headers,
    query: readQuery(event),
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
  };
}
