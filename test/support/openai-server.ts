// An endpoint that speaks OpenAI's chat completions over HTTP, whole or streamed, and misbehaves on request.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

// biome-ignore lint/suspicious/noExplicitAny: each test reads the request as it expects it
type Asked = any;

/** What to answer: text, or how to misbehave. */
export type Answer =
  | string
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'break-off'
  | 'plain';

export interface OpenAiServer extends AsyncDisposable {
  baseUrl: string;
  asked: Asked[];
  /** Authorization headers, in order. */
  keys: (string | undefined)[];
}

const USAGE = { prompt_tokens: 11, completion_tokens: 7 };

export async function startOpenAiServer(answer: (asked: Asked, nth: number) => Answer): Promise<OpenAiServer> {
  const asked: Asked[] = [];
  const keys: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await readText(request));
    asked.push(body);
    keys.push(request.headers.authorization);
    writeAnswer(response, body, answer(body, asked.length));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    asked,
    keys,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function writeAnswer(response: ServerResponse, { stream }: Asked, answer: Answer): void {
  if (typeof answer === 'object') response.writeHead(answer.status, answer.headers).end(answer.body ?? '');
  else if (answer === 'break-off') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end('data: {"choices":[{"delta":{"content":"Half an"}}]}\n\n');
  } else if (stream && answer !== 'plain') writeStream(response, answer);
  else {
    const choices = [{ message: { role: 'assistant', content: answer }, finish_reason: 'stop' }];
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices, usage: USAGE }));
  }
}

function writeStream(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (data: unknown) => response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  for (const piece of text.match(/.{1,5}/gsu) ?? []) send({ choices: [{ delta: { content: piece } }] });
  send({ choices: [{ delta: {}, finish_reason: 'stop' }] });
  send({ choices: [], usage: USAGE });
  send('[DONE]');
  response.end();
}
