// From an API Gateway event (REST, Lambda proxy) to the request of the dialects. Nothing is judged here: what is
// wrong with a request is said by its route, in the words of the route's dialect.

import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { ApiRequest } from '../core/dialects/dialect.ts';

const HOST = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;

/** Two spellings are one header: whoever counts on the first must not be given the second alone. */
function repeatedHeaders(event: APIGatewayProxyEvent): Record<string, string> {
  const given = Object.entries(event.multiValueHeaders ?? {}).map(([name, values = []]) => ({ name, values }));
  const spellings = Map.groupBy(given, ({ name }) => name.toLowerCase());
  const headers: Record<string, string> = Object.create(null);
  for (const [name, all] of spellings) {
    const values = all.flatMap((it) => it.values);
    if (values.length > 0) headers[name] = values.join(', ');
  }
  return headers;
}

function readHeaders(event: APIGatewayProxyEvent): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    if (value !== undefined) headers[name.toLowerCase()] = value;
  }
  return Object.assign(headers, repeatedHeaders(event));
}

function readQuery(event: APIGatewayProxyEvent): URLSearchParams {
  const query = new URLSearchParams();
  const many = Object.entries(event.multiValueQueryStringParameters ?? {});
  for (const [name, values] of many) for (const value of values ?? []) query.append(name, value);
  if (many.length > 0) return query;
  for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) query.append(name, value ?? '');
  return query;
}

function decoded(path: string): string {
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
function pathBelowDomain(event: APIGatewayProxyEvent): string {
  const proxy = event.pathParameters?.['proxy'];
  if (proxy === undefined) return event.resource === '/' ? '/' : event.path;
  const whole = decoded(event.path);
  const basePath = whole.endsWith(`/${proxy}`) ? whole.slice(0, whole.length - proxy.length - 1) : '';
  return event.path.startsWith(basePath) ? event.path.slice(basePath.length) : event.path;
}

/** What stands before the path in the caller's URL: a stage, the base path of a domain, or nothing. */
function prefixOf(event: APIGatewayProxyEvent, path: string): string {
  const full = event.requestContext?.path ?? event.path;
  const below = path === '/' ? '' : path;
  return full.endsWith(below) ? full.slice(0, full.length - below.length).replace(/\/+$/, '') : '';
}

function originOf(event: APIGatewayProxyEvent, headers: Record<string, string>, path: string): string {
  const asked = headers['host'] ?? '';
  const host = HOST.test(asked) ? asked : (event.requestContext?.domainName ?? 'localhost');
  const protocol = headers['x-forwarded-proto'] === 'http' ? 'http' : 'https';
  return `${protocol}://${host}${prefixOf(event, path)}`;
}

export function readRequest(event: APIGatewayProxyEvent, arrival: { id: string; receivedAt: number }): ApiRequest {
  const headers = readHeaders(event);
  const path = pathBelowDomain(event);
  return {
    ...arrival,
    method: event.httpMethod.toUpperCase(),
    path: path.replace(/\/{2,}/g, '/'),
    origin: originOf(event, headers, path),
    headers,
    query: readQuery(event),
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
  };
}
