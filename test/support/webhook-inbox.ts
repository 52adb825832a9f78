// A real webhook receiver on this machine: keeps its messages and answers as a test wants.

import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedMessage {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface InboxAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

export interface WebhookInbox extends AsyncDisposable {
  url: string;
  messages: ReceivedMessage[];
  /** The answers to come, in order; after them 200. */
  answerWith(...answers: InboxAnswer[]): void;
  /** Resolves with the first `count` messages; rejects when they have not come in time. */
  received(count: number, timeoutMs?: number): Promise<ReceivedMessage[]>;
}

export async function startWebhookInbox(): Promise<WebhookInbox> {
  const messages: ReceivedMessage[] = [];
  const answers: InboxAnswer[] = [];
  const waiting = new Set<() => void>();

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      messages.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      const { status, headers: extra = {}, body = '' } = answers.shift() ?? { status: 200 };
      response.writeHead(status, extra).end(body);
      for (const check of waiting) check();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    messages,
    answerWith: (...more) => void answers.push(...more),
    received(count, timeoutMs = 5_000) {
      const { promise, resolve, reject } = Promise.withResolvers<ReceivedMessage[]>();
      const check = () => messages.length >= count && resolve(messages.slice(0, count));
      const late = () => reject(new Error(`${messages.length} of ${count} webhooks came within ${timeoutMs} ms`));
      const timer = setTimeout(late, timeoutMs);
      waiting.add(check);
      check();
      return promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(check);
      });
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
