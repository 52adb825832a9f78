// Pages of this machine only, under /_local: the sample feeds, and an inbox that shows what webhooks would receive.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { readBody } from './gateway/body.ts';

interface Received {
  at: string;
  method: string;
  query: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

const KEPT = 100;
const MAX_INBOXES = 100;
const MAX_BODY_BYTES = 1_024 * 1_024;
const TYPES: Record<string, string> = {
  '.atom': 'application/atom+xml',
  '.json': 'application/json',
  '.rss': 'application/rss+xml',
  '.xml': 'application/xml',
};

/** Answers true for every path under /_local, false for what the API shall answer. */
export function createLocalPages(feedsFolder: string) {
  const inboxes = new Map<string, Received[]>();

  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    if (!path.startsWith('/_local/')) return false;
    const [, page, name = '', action, ...more] = path.slice(1).split('/');
    // One plain name, so nothing outside the folder can be meant.
    const isNamed = /^\w[\w.-]*$/.test(name) && more.length === 0;
    if (isNamed && page === 'feeds' && action === undefined) await sendFeed(response, feedsFolder, name);
    else if (isNamed && page === 'inbox' && action === undefined) await receive(request, response, { name, search });
    else if (isNamed && page === 'inbox' && action === 'received') sendJson(response, 200, inboxes.get(name) ?? []);
    else sendJson(response, 404, { message: 'No such local page' });
    return true;
  };

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    { name, search }: { name: string; search: string },
  ): Promise<void> {
    const body = await readBody(request, MAX_BODY_BYTES);
    if (!body) return sendJson(response, 413, { message: `The inbox takes at most ${MAX_BODY_BYTES} bytes` });
    // A webhook may be told by DELETE; it carries its id.
    if (request.method === 'DELETE' && !request.headers['webhook-id']) {
      inboxes.delete(name);
      return sendJson(response, 200, { emptied: name });
    }
    const query = Object.fromEntries(new URLSearchParams(search));
    const { method = 'GET', headers } = request;
    const received = inboxes.get(name) ?? [];
    received.push({ at: new Date().toISOString(), method, query, headers, body: body.toString() });
    inboxes.set(name, received.slice(-KEPT));
    forgetOldest(inboxes);
    const status = Number(query['status'] ?? 200);
    sendJson(response, status >= 200 && status <= 599 ? status : 200, { received: received.length });
  }
}

async function sendFeed(response: ServerResponse, folder: string, name: string): Promise<void> {
  const feed = await readFile(join(folder, name)).catch(() => undefined);
  if (!feed) return sendJson(response, 404, { message: `flows/feeds has no ${name}` });
  response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'text/plain; charset=utf-8' }).end(feed);
}

function forgetOldest(inboxes: Map<string, Received[]>): void {
  for (const name of inboxes.keys()) {
    if (inboxes.size <= MAX_INBOXES) return;
    inboxes.delete(name);
  }
}

function sendJson(response: ServerResponse, status: number, content: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
}
