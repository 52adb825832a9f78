// The receivers of webhooks, and the services that nodes call. Receivers succeed, fail, hang and lie; each keeps the
// webhooks it received.

import { type HttpAnswer, type HttpClient, HttpFault, type HttpRequest } from '../../lambdas/core/ports/http.ts';
import type { World } from './world.ts';

export const BEHAVIORS = ['fine', 'slow', 'fails', 'broken', 'hangs', 'lies', 'gone', 'busy'] as const;
export type Behavior = (typeof BEHAVIORS)[number];

export interface ReceivedWebhook {
  at: number;
  /** Of the message: the same at every attempt. */
  id: string;
  status: string;
  isProcessed: boolean;
}

export interface Receivers {
  http: HttpClient;
  /** Address of a new receiver of this behavior; `failures` is how often `fails` does. */
  open(behavior: Behavior, failures: number): string;
  received(url: string): ReceivedWebhook[];
  findBehavior(url: string): Behavior;
}

const HOST = 'https://receiver.example.com/';
const SERVICE_MS = 3_000;
const SLOW_MS = 14_000;

interface Receiver {
  behavior: Behavior;
  failures: number;
  received: ReceivedWebhook[];
}

const answer = (status: number, headers: Record<string, string> = {}, body = ''): HttpAnswer => ({
  status,
  headers,
  body: Buffer.from(body),
  truncated: false,
  durationMs: 1,
});

export function makeReceivers({ timeline, chance }: World): Receivers {
  const receivers = new Map<string, Receiver>();
  const find = (url: string): Receiver | undefined => receivers.get(url.split('?')[0] ?? '');

  async function receive(receiver: Receiver, request: HttpRequest): Promise<HttpAnswer> {
    const { behavior, failures, received } = receiver;
    await timeline.sleep(behavior === 'slow' ? chance.int(0, SLOW_MS) : chance.int(1, 300));
    const id = request.headers?.['webhook-id'] ?? '';
    const isProcessed =
      ['fine', 'slow', 'lies'].includes(behavior) || (behavior === 'fails' && received.length >= failures);
    received.push({ at: timeline.now(), id, status: statusIn(request), isProcessed });
    if (behavior === 'gone') return answer(410);
    if (behavior === 'busy') return answer(503, { 'retry-after': '900' });
    if (behavior === 'hangs' || behavior === 'lies') {
      await timeline.sleep(request.timeoutMs);
      throw new HttpFault('timeout', 'no answer in time');
    }
    return isProcessed ? answer(204) : answer(500, {}, 'Not now');
  }

  return {
    open(behavior, failures) {
      const url = `${HOST}${receivers.size + 1}`;
      receivers.set(url, { behavior: behavior, failures, received: [] });
      return url;
    },
    received: (url) => find(url)?.received ?? [],
    findBehavior: (url) => find(url)?.behavior ?? 'fine',
    http: {
      check: () => undefined,
      async send(request) {
        const receiver = find(request.url);
        if (receiver) return receive(receiver, request);
        await timeline.sleep(chance.int(1, SERVICE_MS));
        return answer(200, { 'content-type': 'application/json' }, JSON.stringify({ of: request.url }));
      },
    },
  };
}

/** `succeeded` of `run.succeeded`; a GET says it in its query. */
function statusIn({ url, body }: HttpRequest): string {
  if (body === undefined) return new URL(url).searchParams.get('status') ?? '';
  return String((JSON.parse(String(body)) as { type: string }).type).replace('run.', '');
}
