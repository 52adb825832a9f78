// The REST API of the template on a local port: routes a request to its function and keeps API Gateway's limits.
// Pages that exist only on this machine are answered before the API is asked.

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../blueprint/routes.ts';
import type { Outcome, Sink } from '../functions/environment.ts';
import { MAX_PAYLOAD_BYTES } from '../functions/protocol.ts';
import { readBody } from './body.ts';
import { type GatewayErrorType, sendError, wordError } from './errors.ts';
import { proxyEvent } from './event.ts';
import { Relay } from './relay.ts';

export interface GatewayOptions {
  api: Api;
  host: string;
  port: number;
  invoke(functionName: string, payload: string, sink: Sink): Promise<Outcome | undefined>;
  /** Answers true if the request was for a page of this machine only. */
  localPage(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  idleMs?: number;
}

export interface Gateway {
  baseUrl: string;
  /** Takes no further request; answers that run have this long to end. */
  stop(graceMs: number): Promise<void>;
}

// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const MAX_REQUEST_BYTES = 10 * 1_024 * 1_024;
const MAX_HEADER_BYTES = 10_240;
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
const IDLE_MS = 5 * 60 * 1_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 65_000 }, (request, response) => {
    // A write to a connection that is gone needs no report: 'close' has come.
    response.on('error', () => {});
    void serve(request, response, options).catch(() => response.destroy());
  });
  // Node would answer by itself, without our envelope.
  server.on('checkExpectation', (_, response: ServerResponse) =>
    sendError(response, wordError('BAD_REQUEST', randomUUID(), options.api.errors)),
  );
  server.on('clientError', (error, socket) => refuseBytes(error, socket as Socket, options.api));
  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://${toReachableHost(options.host)}:${port}`,
    async stop(graceMs) {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.race([closed, sleep(graceMs, undefined, { ref: false })]);
      server.closeAllConnections();
    },
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, options: GatewayOptions): Promise<void> {
  if (await options.localPage(request, response)) return;
  const requestId = randomUUID();
  const refuse = (type: GatewayErrorType) => sendError(response, wordError(type, requestId, options.api.errors));
  const path = request.url?.split('?')[0] ?? '';
  if (!isPath(path)) return refuse('BAD_REQUEST');
  const resource = path === '/' ? '/' : '/{proxy+}';
  const route = options.api.routes.find((candidate) => candidate.path === resource);
  if (!route) return refuse('MISSING_AUTHENTICATION_TOKEN');
  const body = await readBody(request, MAX_REQUEST_BYTES);
  if (!body) return refuse('REQUEST_TOO_LARGE');
  const payload = JSON.stringify(proxyEvent({ request, path, resource, body, requestId }));
  if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) return refuse('REQUEST_TOO_LARGE');

  response.setHeader('x-amzn-requestid', requestId);
  const relay = new Relay(response, { totalMs: route.timeoutMs, idleMs: options.idleMs ?? IDLE_MS }, (reason) =>
    refuse(reason === 'timeout' ? 'INTEGRATION_TIMEOUT' : 'FUNCTION_FAILURE'),
  );
  const outcome = await options.invoke(route.functionName, payload, relay);
  // A stream that was begun and not ended promised more than came.
  if (relay.hasBegun) return relay.cut();
  if (!relay.gone.aborted) refuse(outcome ? readErrorType(outcome) : 'FUNCTION_FAILURE');
}

function readErrorType({ status, errorType }: Outcome): GatewayErrorType {
  if (status === 'throttled') return 'FUNCTION_THROTTLED';
  return errorType === 'Sandbox.Timedout' ? 'INTEGRATION_TIMEOUT' : 'FUNCTION_FAILURE';
}

function isPath(path: string): boolean {
  if (!path.startsWith('/')) return false;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

// Node has not understood the request: too many headers, or bytes that two servers could read in two ways.
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket, api: Api): void {
  if (!socket.writable) return void socket.destroy();
  const type = error.code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : 'BAD_REQUEST';
  const { status, headers, body } = wordError(type, randomUUID(), api.errors);
  const all = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('')}\r\n${body}`);
}

async function listen(server: Server, { host, port }: GatewayOptions): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new Error(`Port ${port} is taken. Choose another: PORT=${port + 1} npm start (0 takes any free one)`, {
      cause,
    });
  }
}

function toReachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
