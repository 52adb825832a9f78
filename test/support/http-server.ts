// A real HTTP server on a free port of this machine, closed with everything it holds when its scope ends.

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface HttpServer extends AsyncDisposable {
  origin: string;
  port: number;
  /** Complete requests, in order. */
  received: Received[];
  /** How many connections were ever opened. */
  connections(): number;
}

const flat = (headers: IncomingMessage['headersDistinct']): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, (values ?? []).join(', ')]));

async function receive(request: IncomingMessage, received: Received[]): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  received.push({
    method: request.method ?? '',
    path: request.url ?? '',
    headers: flat(request.headersDistinct),
    body: Buffer.concat(chunks).toString(),
  });
}

/** `answer` is called once the request was read. */
export function startHttpServer(answer: RequestListener): Promise<HttpServer> {
  const received: Received[] = [];
  let connections = 0;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    receive(request, received).then(
      () => answer(request, response),
      () => response.destroy(),
    );
  });
  server.on('connection', () => {
    connections += 1;
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        origin: `http://127.0.0.1:${port}`,
        port,
        received,
        connections: () => connections,
        [Symbol.asyncDispose]: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
