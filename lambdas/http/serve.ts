// One request through one route: size, key, scope, checked call, handler. And the reply of a dialect to a refused request.

import type { Caller } from '../core/access/caller.ts';
import { requireScope } from '../core/access/keys.ts';
import { requireUnbound } from '../core/access/run-access.ts';
import type { Reply } from '../core/api/reply.ts';
import { type ApiRequest, type Dialect, MethodNotOffered, type Route } from '../core/dialects/dialect.ts';
import type { ApiError, ErrorCode } from '../core/errors.ts';
import type { Ports } from '../core/ports/ports.ts';
import { readCall, refuseSize } from './call.ts';
import type { FoundRoute, WrongMethod } from './router.ts';

export interface Endpoint {
  dialect: Dialect;
  route: Route;
}

/** One request on its way. What is optional becomes known as it gets further. */
export interface Exchange {
  request: ApiRequest;
  /** That of the route, once it is found; until then the one that speaks where there is no route. */
  dialect: Dialect;
  /** The pattern, not the path: fit for logs and metrics. */
  route?: string;
  caller?: { tenant: string; key: string };
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

export async function serve(found: FoundRoute, exchange: Exchange, ports: Ports): Promise<Reply> {
  const { dialect, route, rawParams } = found;
  const { request } = exchange;
  exchange.dialect = dialect;
  exchange.route = `${route.method} ${route.path}`;
  refuseSize(route, request);
  const caller = await admit(found, request, ports);
  if (route.access !== 'anyone') exchange.caller = { tenant: caller.tenant.id, key: caller.key.id };
  return route.handle({ caller, ...(await readCall(route, request, rawParams)) }, ports);
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

export function refuseMethod({ dialect, allowed }: WrongMethod, request: ApiRequest): Reply {
  const offered = allowed.join(', ');
  const message = `${request.method} is not offered here; allowed: ${offered}`;
  const reply = refuse(dialect, new MethodNotOffered(message), request);
  return { ...reply, status: 405, headers: { ...reply.headers, allow: offered } };
}
