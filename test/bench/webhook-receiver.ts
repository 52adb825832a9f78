// Receives the webhooks of many runs at once and notes when all of one run have come. Keeps times, not messages.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface WebhookReceiver extends AsyncDisposable {
  /** Two addresses for the run that the caller calls `name`. */
  makeAddresses(name: string): string[];
  /** When both have come. */
  waitForAll(name: string): Promise<ReceivedTimes>;
}

export interface ReceivedTimes {
  /** `performance.now()` of the first and the last. */
  firstMs: number;
  lastMs: number;
  /** Epoch milliseconds, as the run itself says. */
  endedAt: number;
}

const WEBHOOKS = 2;

interface Expected {
  timesMs: number[];
  all: PromiseWithResolvers<ReceivedTimes>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const runs = new Map<string, Expected>();
  const server = createServer((request, response) => {
    const cameMs = performance.now();
    void json(request).then((body) => {
      response.writeHead(200).end();
      note(runs.get(request.url?.split('/')[1] ?? ''), { cameMs, body: body as Body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    makeAddresses(name) {
      runs.set(name, { timesMs: [], all: Promise.withResolvers() });
      return Array.from({ length: WEBHOOKS }, (_, n) => `${url}/${name}/${n + 1}`);
    },
    waitForAll: (name) =>
      runs.get(name)?.all.promise ?? Promise.reject(new Error(`Nobody expects webhooks of ${name}`)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Body {
  data: { endedAt: string };
}

function note(run: Expected | undefined, { cameMs, body }: { cameMs: number; body: Body }): void {
  if (!run) return;
  const { timesMs, all } = run;
  timesMs.push(cameMs);
  if (timesMs.length < WEBHOOKS) return;
  all.resolve({ firstMs: timesMs[0] ?? cameMs, lastMs: cameMs, endedAt: Date.parse(body.data.endedAt) });
}
