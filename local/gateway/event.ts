// Turns an HTTP request into the event of a Lambda proxy integration.

import type { IncomingMessage } from 'node:http';
import { ACCOUNT } from '../aws-names.ts';

export interface ProxyRequest {
  request: IncomingMessage;
  /** The path as it was sent, still percent-encoded. */
  path: string;
  /** The route's resource, `/` or `/{proxy+}`. */
  resource: string;
  body: Buffer;
  requestId: string;
}

const STAGE = 'local';
// These belong to one connection; the rest of the way to the function is another one.
const HOP_BY_HOP = ['connection', 'expect', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

export function proxyEvent({ request, path, resource, body, requestId }: ProxyRequest): object {
  const headers = readHeaders(request);
  const query = new URLSearchParams(request.url?.split('?').slice(1).join('?'));
  const queryNames = [...new Set(query.keys())];
  const proxied = resource === '/' ? null : { proxy: decodeURIComponent(path.slice(1)) };
  return {
    resource,
    path,
    httpMethod: request.method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: headers,
    queryStringParameters: queryNames.length
      ? Object.fromEntries(queryNames.map((name) => [name, query.getAll(name).at(-1)]))
      : null,
    multiValueQueryStringParameters: queryNames.length
      ? Object.fromEntries(queryNames.map((name) => [name, query.getAll(name)]))
      : null,
    pathParameters: proxied,
    stageVariables: null,
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'local',
      domainName: readHost(request),
      httpMethod: request.method,
      identity: { sourceIp: sourceIp(request), userAgent: request.headers['user-agent'] ?? null },
      path,
      protocol: `HTTP/${request.httpVersion}`,
      requestId,
      requestTimeEpoch: Date.now(),
      resourcePath: resource,
      stage: STAGE,
    },
    body: body.length > 0 ? body.toString('base64') : null,
    // Every media type is binary to this API, so a body never arrives as text.
    isBase64Encoded: body.length > 0,
  };
}

function readHeaders(request: IncomingMessage): Record<string, string[]> {
  // A header may be called `constructor`, which every ordinary object has.
  const headers: Record<string, string[]> = Object.create(null);
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (HOP_BY_HOP.includes(name.toLowerCase())) continue;
    const values = headers[name] ?? [];
    headers[name] = [...values, request.rawHeaders[index + 1] ?? ''];
  }
  // The gateway alone says how the request reached it; it only adds to the addresses the caller names.
  const forwardedFor = request.headers['x-forwarded-for'];
  dropForwarded(headers);
  headers['X-Forwarded-For'] = [forwardedFor ? `${forwardedFor}, ${sourceIp(request)}` : sourceIp(request)];
  headers['X-Forwarded-Port'] = [String(request.socket.localPort)];
  headers['X-Forwarded-Proto'] = ['http'];
  return headers;
}

function dropForwarded(headers: Record<string, string[]>): void {
  for (const name of Object.keys(headers)) {
    if (/^x-forwarded-(for|port|proto)$/i.test(name)) delete headers[name];
  }
}

// API Gateway is found by its name alone; this server would be called by any. Whoever comes by another name than those of
// this machine sets ERRAND_PUBLIC_ORIGIN.
function readHost({ headers, socket }: IncomingMessage): string {
  const { localPort, localAddress = '' } = socket;
  const address = localAddress.replace(/^::ffff:/, '');
  const own = address.includes(':') ? `[${address}]` : address;
  const hosts = [own, 'localhost', '127.0.0.1', '[::1]'].map((host) => `${host}:${localPort}`);
  return hosts.find((host) => host === headers.host) ?? `${own}:${localPort}`;
}

function sourceIp(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}
