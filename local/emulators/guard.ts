// The way into every stand-in for AWS: a server of this machine alone that lets in who has the secret of this
// start. A program that asks nobody who they are gets its requests from here.

import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isSigned } from './signature.ts';

export interface GuardedServer {
  endpoint: string;
  stop(): Promise<void>;
}

const KEEP_ALIVE_MS = 10 * 60 * 1_000;

/** `port` 0 takes any that is free. */
export async function startGuarded(serve: RequestListener, port = 0): Promise<GuardedServer> {
  // A frozen function keeps its connections, and should find them open when it goes on.
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    if (isSigned(request)) serve(request, response);
    else refuse(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function refuse(response: ServerResponse): void {
  const code = 'InvalidSignatureException';
  const message = 'The request is not signed with the secret of this start';
  response.writeHead(403, {
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-errortype': code,
    connection: 'close',
  });
  response.end(JSON.stringify({ __type: code, message }));
}

/** Hands requests on to a program, and its answers back. */
export function forwardTo(upstream: string): RequestListener & Disposable {
  const { protocol, hostname, port } = new URL(upstream);
  const agent = new Agent({ keepAlive: true });
  const isSecure = protocol === 'https:';
  const send = isSecure ? httpsRequest : httpRequest;
  const forward = (request: IncomingMessage, response: ServerResponse) => {
    const { method, url, headers } = request;
    const passed = send(
      { hostname: hostname.replace(/^\[|\]$/g, ''), port, method, path: url, headers, ...(isSecure ? {} : { agent }) },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response).on('error', () => answer.destroy());
        answer.on('error', () => response.destroy());
      },
    );
    passed.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    response.on('close', () => response.writableFinished || passed.destroy());
    request.pipe(passed);
  };
  return Object.assign(forward, { [Symbol.dispose]: () => agent.destroy() });
}
