// The one client for outgoing HTTP: checks every address before and after resolving it, connects only to what was
// checked, and follows redirects by hand. One exchange with one server is exchange.ts; the rules are core/outbound/safe-url.ts.

import * as http from 'node:http';
import * as https from 'node:https';
import { ApiError } from '../core/errors.ts';
import { checkHeaders } from '../core/outbound/safe-headers.ts';
import { checkUrl, refuseOwnPorts, type TargetPolicy } from '../core/outbound/safe-url.ts';
import { type HttpAnswer, type HttpClient, HttpFault, type HttpRequest } from '../core/ports/http.ts';
import { type Exchange, exchange } from './exchange.ts';
import { guardedLookup, type Resolve, resolveName } from './guarded-lookup.ts';

export interface HttpClientOptions {
  policy: TargetPolicy;
  /** Refused wherever a name leads: on one machine, what the platform keeps to itself. */
  ownPorts?: ReadonlySet<number>;
  /** Finds every address of a name. */
  resolve?: Resolve;
  /** Connections kept open to one server; more wait inside their own timeout. */
  connectionsPerServer?: number;
  userAgent?: string;
}

const CONNECTIONS_PER_SERVER = 64;
const IDLE_CONNECTIONS_PER_SERVER = 8;
// A frozen function does not notice that a server closes; a connection idle for longer is likely to be closed.
const IDLE_CONNECTION_MS = 4_000;
const MAX_REDIRECTS = 20;

// CONNECT and TRACE talk to proxies and echo credentials; an unknown method may be smuggled text.
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
// What another server may learn of the original request: nothing that an author could have put a credential into.
const CARRIED_ACROSS_ORIGINS = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);

interface Hop {
  url: URL;
  method: string;
  headers: Record<string, string>;
  body: HttpRequest['body'];
}

const without = (headers: Record<string, string>, drop: (name: string) => boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !drop(name.toLowerCase())));

/** What to send next, as browsers do it: https://fetch.spec.whatwg.org/#http-redirect-fetch */
function redirect(hop: Hop, status: number, target: URL): Hop {
  let { method, headers, body } = hop;
  if ((status === 303 && method !== 'HEAD') || (status < 303 && method === 'POST')) {
    method = 'GET';
    body = undefined;
    headers = without(headers, (name) => name.startsWith('content-'));
  }
  if (target.origin !== hop.url.origin) headers = without(headers, (name) => !CARRIED_ACROSS_ORIGINS.has(name));
  return { url: target, method, headers, body };
}

export function makeHttpClient(options: HttpClientOptions): HttpClient {
  const agentOptions = {
    keepAlive: true,
    maxSockets: options.connectionsPerServer ?? CONNECTIONS_PER_SERVER,
    maxFreeSockets: IDLE_CONNECTIONS_PER_SERVER,
    timeout: IDLE_CONNECTION_MS,
    scheduling: 'lifo' as const,
  };
  const agents = { 'http:': new http.Agent(agentOptions), 'https:': new https.Agent(agentOptions) };
  const check = (url: string): URL => refuseOwnPorts(checkUrl(url, options.policy), options.ownPorts ?? new Set());
  const lookup = guardedLookup(options.policy, options.resolve ?? resolveName);

  const wire = (hop: Hop, request: HttpRequest, signal: AbortSignal): Exchange => ({
    ...hop,
    headers: {
      accept: '*/*',
      'accept-encoding': 'gzip, deflate, br',
      'user-agent': options.userAgent ?? 'Errand',
      ...hop.headers,
    },
    agent: agents[hop.url.protocol as keyof typeof agents],
    lookup,
    maxBytes: request.maxBytes,
    onChunk: request.onChunk,
    signal,
  });

  const follow = async (request: HttpRequest, signal: AbortSignal): Promise<Omit<HttpAnswer, 'durationMs'>> => {
    const allowed = Math.min(request.redirects ?? 0, MAX_REDIRECTS);
    let hop: Hop = {
      url: check(request.url),
      method: request.method.toUpperCase(),
      headers: lowerCase(request.headers ?? {}),
      body: request.body,
    };
    for (let followed = 0; ; followed++) {
      const answer = await exchange(wire(hop, request, signal));
      const location = answer.headers['location'];
      if (allowed === 0 || !REDIRECTS.has(answer.status) || location === undefined) return answer;
      if (followed === allowed) {
        throw new HttpFault('protocol', `${hop.url.host} still redirects after ${allowed} redirects`);
      }
      const target = URL.parse(location, hop.url.href)?.href ?? '';
      hop = redirect(hop, answer.status, check(target));
    }
  };

  return {
    check: (url) => void check(url),
    send: async (request) => {
      if (!METHODS.has(request.method.toUpperCase())) throw new ApiError('invalid-request', 'Unknown HTTP method');
      checkHeaders(request.headers ?? {});
      const startedAt = performance.now();
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(makeTimeout(request)), request.timeoutMs);
      const signal = request.signal ? AbortSignal.any([deadline.signal, request.signal]) : deadline.signal;
      try {
        const answer = await follow(request, signal);
        return { ...answer, durationMs: Math.round(performance.now() - startedAt) };
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

// One name in two spellings would be sent twice, and a server picks whichever it likes.
const lowerCase = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));

const makeTimeout = (request: HttpRequest): HttpFault =>
  new HttpFault('timeout', `${new URL(request.url).host} sent no complete answer within ${request.timeoutMs} ms`);
