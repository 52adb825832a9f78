// The one route table, built from the dialects. Matching is @middy/http-router's: static paths win over parameters.

import httpRouter from '@middy/http-router';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { Reply } from '../core/api/reply.ts';
import type { Dialect } from '../core/dialects/dialect.ts';
import { ApiError } from '../core/errors.ts';
import type { Ports } from '../core/ports/ports.ts';
import { type Endpoint, type Exchange, refuse, serve } from './serve.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** What the router reads of an event, and the exchange that it carries to the route. */
export type RoutedEvent = Pick<APIGatewayProxyEvent, 'httpMethod' | 'path' | 'pathParameters'> & {
  exchange: Exchange;
};

type RouteHandler = (event: RoutedEvent) => Promise<Reply>;
interface TableRow {
  method: (typeof METHODS)[number];
  path: string;
  handler: RouteHandler;
}

/** Fixed segments before parameters, so that the first pattern that matches is the closest one. */
const bySpecificity = (a: string, b: string): number => shape(a).localeCompare(shape(b), 'en');
const shape = (path: string): string => path.replace(/\{[^/]+\}/g, '\uffff');

function served({ dialect, route }: Endpoint, ports: Ports): RouteHandler {
  return (event) => {
    event.exchange.dialect = dialect;
    event.exchange.route = `${route.method} ${route.path}`;
    event.exchange.rawParams = event.pathParameters ?? {};
    return serve({ dialect, route }, event.exchange, ports);
  };
}

function notAllowed(dialect: Dialect, allowed: string[]): RouteHandler {
  return async ({ exchange: { request } }) => {
    const message = `${request.method} is not offered here; allowed: ${allowed.join(', ')}`;
    const reply = refuse(dialect, new ApiError('invalid-request', message), request);
    return { ...reply, status: 405, headers: { ...reply.headers, allow: allowed.join(', ') } };
  };
}

function rowsOfPath(endpoints: Endpoint[], ports: Ports): { served: TableRow[]; refused: TableRow[] } {
  const [first] = endpoints as [Endpoint];
  const rows: TableRow[] = [];
  for (const endpoint of endpoints) {
    const { method, path } = endpoint.route;
    if (rows.some((row) => row.method === method)) throw new Error(`Two routes serve ${method} ${path}`);
    rows.push({ method, path, handler: served(endpoint, ports) });
    // A HEAD is answered like its GET; the body is left out on the way.
    if (method === 'GET') rows.push({ method: 'HEAD', path, handler: served(endpoint, ports) });
  }
  const allowed = rows.map((row) => row.method);
  const handler = notAllowed(first.dialect, allowed);
  const refused = METHODS.filter((method) => !allowed.includes(method));
  return { served: rows, refused: refused.map((method) => ({ method, path: first.route.path, handler })) };
}

export function routeTable(dialects: readonly Dialect[], ports: Ports): RouteHandler {
  const endpoints = dialects.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route })));
  const byPath = Map.groupBy(endpoints, ({ route }) => shape(route.path));
  const paths = [...byPath.keys()].sort(bySpecificity);
  const rows = paths.map((path) => rowsOfPath(byPath.get(path) as Endpoint[], ports));
  // Refusals of a method come last: they must not hide another pattern that takes the request.
  const table = [...rows.flatMap((row) => row.served), ...rows.flatMap((row) => row.refused)];
  // The router reads no more of an event than RoutedEvent has; its types know whole events only.
  return httpRouter({
    routes: table as never[],
    notFoundResponse: ({ method, path }) => {
      throw new ApiError('not-found', `There is nothing at ${method} ${path}`);
    },
  }) as unknown as RouteHandler;
}
