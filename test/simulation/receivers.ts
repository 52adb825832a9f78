// Whoever is told at the end of a run, and the services that its nodes call. Receivers succeed, fail, hang and lie; each
// keeps what it was told.

import { type HttpAnswer, type HttpClient, HttpFault, type HttpRequest } from '../../lambdas/core/ports/http.ts';
import type { World } from './world.ts';

export const TEMPERS = ['fine', 'slow', 'fails', 'broken', 'hangs', 'lies', 'gone', 'busy'] as const;
export type Temper = (typeof TEMPERS)[number];

export interface Told {
  at: number;
  /** Of the message: the same at every attempt. */
  id: string;
  status: string;
  heard: boolean;
}

export interface Receivers {
  http: HttpClient;
  /** Address of a new receiver of this temper; `failures` is how often `fails` does. */
  open(temper: Temper, failures: number): string;
  told(url: string): Told[];
  temperOf(url: string): Temper;
}

const HOST = 'https://receiver.example.com/';
const SERVICE_MS = 3_000;
const SLOW_MS = 14_000;

interface Receiver {
  temper: Temper;
  failures: number;
  told: Told[];
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

  async function hear(receiver: Receiver, request: HttpRequest): Promise<HttpAnswer> {
    const { temper, failures, told } = receiver;
    await timeline.sleep(temper === 'slow' ? chance.int(0, SLOW_MS) : chance.int(1, 300));
    const id = request.headers?.['webhook-id'] ?? '';
    const isHeard = ['fine', 'slow', 'lies'].includes(temper) || (temper === 'fails' && told.length >= failures);
    told.push({ at: timeline.now(), id, status: statusIn(request), heard: isHeard });
    if (temper === 'gone') return answer(410);
    if (temper === 'busy') return answer(503, { 'retry-after': '900' });
    if (temper === 'hangs' || temper === 'lies') {
      await timeline.sleep(request.timeoutMs);
      throw new HttpFault('timeout', 'no answer in time');
    }
    return isHeard ? answer(204) : answer(500, {}, 'Not now');
  }

  return {
    open(temper, failures) {
      const url = `${HOST}${receivers.size + 1}`;
      receivers.set(url, { temper, failures, told: [] });
      return url;
    },
    told: (url) => find(url)?.told ?? [],
    temperOf: (url) => find(url)?.temper ?? 'fine',
    http: {
      check: () => undefined,
      async send(request) {
        const receiver = find(request.url);
        if (receiver) return hear(receiver, request);
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
