// Receives the webhooks of many runs at once and tells when all of one run have come. Keeps times, not messages.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebhookReceiver extends AsyncDisposable {
  /** Two addresses for the run that the caller calls `name`. */
  addressesOf(name: string): string[];
  /** When both came: `performance.now()` of the first and the last. */
  told(name: string): Promise<{ firstMs: number; lastMs: number }>;
}

const WEBHOOKS = 2;

interface Expected {
  timesMs: number[];
  all: PromiseWithResolvers<{ firstMs: number; lastMs: number }>;
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const runs = new Map<string, Expected>();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200).end();
      note(runs.get(request.url?.split('/')[1] ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    addressesOf(name) {
      runs.set(name, { timesMs: [], all: Promise.withResolvers() });
      return Array.from({ length: WEBHOOKS }, (_, n) => `${url}/${name}/${n + 1}`);
    },
    told: (name) => runs.get(name)?.all.promise ?? Promise.reject(new Error(`Nobody expects webhooks of ${name}`)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function note(run: Expected | undefined): void {
  if (!run) return;
  const { timesMs, all } = run;
  timesMs.push(performance.now());
  if (timesMs.length === WEBHOOKS) all.resolve({ firstMs: timesMs[0] ?? 0, lastMs: timesMs.at(-1) ?? 0 });
}
