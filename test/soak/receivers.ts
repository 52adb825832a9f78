// The receivers of the soak's webhooks: they are good, slow, failing at first, or hanging for a part of every minute.
// The same server is the site that nodes call.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const BEHAVIORS = ['good', 'slow', 'failing', 'hanging'] as const;
type Behavior = (typeof BEHAVIORS)[number];

const SITE_MS = 300;
const SLOW_MS = 2_000;
const FAILURES = 2;
const MINUTE_MS = 60_000;
const HANGING_MS = 20_000;

/** One webhook of one run. */
export interface ReceivedWebhook {
  /** Its ids: more than one would be a repetition that nobody can recognize. */
  ids: Set<string>;
  /** Messages that were answered with 200. */
  accepted: number;
  /** Epoch milliseconds of the first of these. */
  firstAtMs: number;
  refused: number;
}

export interface Receivers extends AsyncDisposable {
  /** Where nodes ask for a number. */
  site: string;
  findAddress(behavior: Behavior, name: string): string;
  received: Map<string, ReceivedWebhook>;
}

export async function startReceivers(): Promise<Receivers> {
  const received = new Map<string, ReceivedWebhook>();
  const begunMs = performance.now();
  const isHanging = () => (performance.now() - begunMs) % MINUTE_MS < HANGING_MS;

  const answers: Record<Behavior, (it: ReceivedWebhook) => Promise<number | undefined>> = {
    good: async () => 200,
    async slow() {
      await sleep(SLOW_MS);
      return 200;
    },
    failing: async ({ refused }) => (refused < FAILURES ? 503 : 200),
    hanging: async () => (isHanging() ? undefined : 200),
  };

  async function receive(behavior: Behavior, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = request.url?.slice(1) ?? '';
    const it = received.get(name) ?? { ids: new Set(), accepted: 0, refused: 0, firstAtMs: 0 };
    received.set(name, it);
    it.ids.add(String(request.headers['webhook-id']));
    request.resume();
    const status = await answers[behavior](it);
    if (status !== 200) it.refused += 1;
    if (status === undefined) return;
    if (status === 200) {
      it.accepted += 1;
      it.firstAtMs ||= Date.now();
    }
    response.writeHead(status).end();
  }

  const servers: Server[] = [];
  const open = async (answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>) => {
    const server = createServer((request, response) => void answer(request, response));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };

  const site = await open(async (request, response) => {
    await sleep(SITE_MS);
    const n = Number(request.url?.slice(1));
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ n }));
  });
  // Each behavior has a server of its own, as different receivers have.
  const addresses = new Map<Behavior, string>();
  for (const it of BEHAVIORS) addresses.set(it, await open((request, response) => receive(it, request, response)));

  return {
    site,
    received,
    findAddress: (behavior, name) => `${addresses.get(behavior)}${name}`,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
