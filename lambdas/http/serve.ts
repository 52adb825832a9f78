// One request through one route: size, key, scope, checked call, handler; and every error in the dialect's words.

import type { Caller } from '../core/access/caller.ts';
import { requireScope, requireUnbound } from '../core/access/keys.ts';
import type { Reply } from '../core/api/reply.ts';
import type { ApiRequest, Dialect, Route } from '../core/dialects/dialect.ts';
import type { ApiError, ErrorCode } from '../core/errors.ts';
import type { Ports } from '../core/ports/ports.ts';
import { readCall, refuseSize } from './call.ts';
import { toRejection } from './rejection.ts';

export interface Endpoint {
  dialect: Dialect;
  route: Route;
}

/** One request on its way. What is optional becomes known as it gets further. */
export interface Exchange {
  request: ApiRequest;
  rawParams: Record<string, string | undefined>;
  dialect?: Dialect;
  /** The pattern, not the path: fit for logs and metrics. */
  route?: string;
  caller?: { tenant: string; key: string };
  pending?: Promise<unknown>;
}

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  'tenant-over-limit': 5,
  'rate-limited': 1,
  unavailable: 2,
};

/** A route that needs no key is handed a caller that cannot be used, so that a mistake is seen at once. */
function nobody(origin: string): Caller {
  const refuse = (): never => {
    throw new Error('A route for anyone looked at its caller');
  };
  return {
    origin,
    get tenant() {
      return refuse();
    },
    get key() {
      return refuse();
    },
  };
}

async function admit({ dialect, route }: Endpoint, request: ApiRequest, ports: Ports): Promise<Caller> {
  if (route.access === 'anyone') return nobody(request.origin);
  const { tenant, key } = await dialect.authenticate(request, ports);
  requireScope({ key }, route.access);
  if (route.access !== 'run' && !route.keepsToFlow) requireUnbound({ key });
  return { tenant, key, origin: request.origin };
}

async function handle(endpoint: Endpoint, exchange: Exchange, ports: Ports): Promise<Reply> {
  const { route } = endpoint;
  const { request, rawParams } = exchange;
  refuseSize(route, request);
  const caller = await admit(endpoint, request, ports);
  if (route.access !== 'anyone') exchange.caller = { tenant: caller.tenant.id, key: caller.key.id };
  return route.handle({ caller, ...readCall(route, request, rawParams) }, ports);
}

export function refuse(dialect: Dialect, rejection: ApiError, request: ApiRequest): Reply {
  const reply = dialect.renderError(rejection, request);
  const retryAfter = rejection.retryAfterSeconds ?? RETRY_AFTER_SECONDS[rejection.code];
  return {
    ...reply,
    headers: {
      ...(retryAfter !== undefined && { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
      ...(rejection.code === 'unauthenticated' && { 'www-authenticate': 'Bearer realm="errand"' }),
      ...reply.headers,
    },
  };
}

export async function serve(endpoint: Endpoint, exchange: Exchange, ports: Ports): Promise<Reply> {
  try {
    return await handle(endpoint, exchange, ports);
  } catch (thrown) {
    return refuse(endpoint.dialect, toRejection(thrown, ports.log, exchange), exchange.request);
  }
}
