// The API as a Lambda function behind API Gateway: event to request, reply to streamed response, and the wait for work
// that outlives its reply. What happens in between is lambdas/http.

import { Readable } from 'node:stream';
import middy, { type MiddlewareObj, type Request } from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type { ApiRequest } from '../core/dialects/dialect.ts';
import type { Clock } from '../core/ports/ports.ts';
import type { Answer } from '../http/answer.ts';
import type { HttpReply } from '../http/render.ts';
import { readRequest } from './event.ts';

interface Internal extends Record<string, unknown> {
  pending?: Promise<void>;
}
type ApiMiddleware = MiddlewareObj<ApiRequest, unknown, Error, Request['context'], Internal>;

/** What the streaming integration sends. */
interface StreamedResponse {
  statusCode: number;
  headers: Record<string, string>;
  body: string | Readable;
}

function toResponse({ status, headers, body }: HttpReply): StreamedResponse {
  const chunks = body instanceof Uint8Array ? [body] : body;
  const isText = typeof chunks === 'string';
  return { statusCode: status, headers, body: isText ? chunks : Readable.from(chunks, { objectMode: false }) };
}

interface HandlerOptions {
  clock: Clock;
  publicOrigin?: string;
}

function translateEvents({ clock, publicOrigin }: HandlerOptions): ApiMiddleware {
  return {
    before: (layer) => {
      const event = layer.event as unknown as APIGatewayProxyEvent;
      const id = event.requestContext?.requestId ?? layer.context.awsRequestId;
      layer.event = readRequest(event, { id, receivedAt: clock.now(), publicOrigin });
    },
    after: (layer) => {
      const reply = layer.response as HttpReply;
      layer.internal.pending = reply.pending;
      layer.response = toResponse(reply);
    },
  };
}

/** Lambda freezes what still runs when the handler is done, so the handler is not done before the slice is. */
async function finishPending(request: { internal: Record<string, unknown> }): Promise<void> {
  await (request.internal as Internal).pending;
}

export function makeHandler(answer: Answer, options: HandlerOptions) {
  return middy({ executionMode: executionModeStreamifyResponse, requestEnd: finishPending })
    .use(translateEvents(options))
    .handler(answer);
}
