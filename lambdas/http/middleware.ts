// The middy stack around the route table: event to request, reply to response, one log line per request, and the
// wait for work that outlives its answer.

import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { Reply } from '../core/api/reply.ts';
import type { Dialect } from '../core/dialects/dialect.ts';
import type { Log, Ports } from '../core/ports/ports.ts';
import { toRejection } from './rejection.ts';
import { readRequest } from './request.ts';
import { type StreamedResponse, toResponse } from './response.ts';
import type { RoutedEvent } from './routes.ts';
import { type Exchange, refuse } from './serve.ts';

interface Internal extends Record<string, unknown> {
  exchange: Exchange;
}
type ApiMiddleware = MiddlewareObj<RoutedEvent, unknown, Error, Request['context'], Internal>;

/** Ids, sizes and times only: what callers send and what runs answer is never logged. */
function logRequest(log: Log, { request, route, caller }: Exchange, reply: Reply, now: number): void {
  log.info('request', {
    requestId: request.id,
    route: route ?? 'none',
    status: reply.status,
    durationMs: now - request.receivedAt,
    bytes: request.body.length,
    ...caller,
  });
}

/** The outermost layer: `fallback` speaks where no route, and so no dialect, was found. */
export function exchangeLayer(ports: Ports, fallback: Dialect): ApiMiddleware {
  const rescue = (exchange: Exchange) => (thrown: unknown) => {
    const { request, dialect = fallback } = exchange;
    const { body } = refuse(dialect, toRejection(thrown, ports.log, exchange), request);
    return body && 'json' in body ? JSON.stringify(body.json) : '';
  };
  const respond = (exchange: Exchange, reply: Reply): StreamedResponse => {
    if (reply.pending !== undefined) exchange.pending = reply.pending;
    logRequest(ports.log, exchange, reply, ports.clock.now());
    return toResponse(reply, exchange.request, rescue(exchange));
  };
  return {
    before: (layer) => {
      const event = layer.event as unknown as APIGatewayProxyEvent;
      const id = event.requestContext?.requestId ?? layer.context.awsRequestId;
      const request = readRequest(event, { id, receivedAt: ports.clock.now() });
      layer.internal.exchange = { request, rawParams: {} };
      layer.event = {
        httpMethod: request.method,
        path: request.path,
        pathParameters: null,
        exchange: layer.internal.exchange,
      };
    },
    after: (layer) => {
      layer.response = respond(layer.internal.exchange, layer.response as Reply);
    },
    onError: (layer) => {
      const { exchange } = layer.internal;
      const rejection = toRejection(layer.error, ports.log, exchange);
      layer.response = respond(exchange, refuse(fallback, rejection, exchange.request));
    },
  };
}

/** Lambda freezes what still runs when the handler is done, so the handler is not done before the slice is. */
export async function finishPending(request: { internal: Record<string, unknown> }): Promise<void> {
  await Promise.allSettled([(request.internal as Partial<Internal>).exchange?.pending]);
}
