// One request and its answer, on whatever server: routing, errors in the dialect's form, headers, broken streams and
// one log line. Reading requests from a connection and writing replies to it belong to the server.

import type { ApiRequest, Dialect } from '../core/dialects/dialect.ts';
import { ApiError } from '../core/errors.ts';
import type { Ports } from '../core/ports/ports.ts';
import { toRejection } from './rejection.ts';
import { type HttpReply, render, renderText } from './render.ts';
import { makeRouter } from './router.ts';
import { type Exchange, refuse, refuseMethod, serve } from './serve.ts';

export type Answer = (request: ApiRequest) => Promise<HttpReply>;

export interface AnswerOptions {
  dialects: readonly Dialect[];
  /** Its error form is used where no route, and so no other dialect, was found. */
  fallback: Dialect;
  ports: Ports;
}

export function makeAnswer({ dialects, fallback, ports }: AnswerOptions): Answer {
  const findRoute = makeRouter(dialects);

  async function handle(exchange: Exchange) {
    const { request } = exchange;
    const match = findRoute(request.method, request.path);
    if (match === undefined) {
      exchange.dialect = dialects.find(({ isOwnClient }) => isOwnClient?.(request)) ?? fallback;
      throw new ApiError('not-found', `There is nothing at ${request.method} ${request.path}`);
    }
    if (match.kind === 'wrong-method') return refuseMethod(match, request);
    return serve(match, exchange, ports);
  }

  return async (request) => {
    const exchange: Exchange = { request, dialect: fallback };
    let pending: Promise<unknown> | undefined;
    const toRefusal = (thrown: unknown) => refuse(exchange.dialect, toRejection(thrown, ports.log, exchange), request);
    const rescue = (thrown: unknown) => renderText(toRefusal(thrown));
    const attempt = async () => {
      const reply = await handle(exchange);
      pending = reply.pending;
      return render(reply, request, rescue);
    };
    const rendered = await attempt()
      .catch((thrown: unknown) => render(toRefusal(thrown), request, rescue))
      .catch((thrown: unknown) => {
        // Even the dialect's own error form failed.
        exchange.dialect = fallback;
        return render(toRefusal(thrown), request, rescue);
      });
    logRequest(ports, exchange, rendered.status);
    return { ...rendered, pending: Promise.allSettled([pending]).then(() => undefined) };
  };
}

/** Ids, sizes and times only: what callers send and what runs answer is never logged. */
function logRequest({ log, clock }: Ports, { request, route, caller }: Exchange, status: number): void {
  log.info('request', {
    requestId: request.id,
    route: route ?? 'none',
    status,
    durationMs: clock.now() - request.receivedAt,
    bytes: request.body.length,
    ...caller,
  });
}
