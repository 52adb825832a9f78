// Pages of this machine only, under /_local: sample feeds and documents, and an inbox that shows what webhooks would receive.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname, join } from 'node:path';
import { readBody } from './gateway/body.ts';

interface Received {
  at: string;
  method: string;
  query: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Folders of samples, within that of the flows. */
const SAMPLES = new Set(['feeds', 'documents']);
const KEPT = 100;
const MAX_INBOXES = 100;
const MAX_BODY_BYTES = 1_024 * 1_024;
const TYPES: Record<string, string> = {
  '.atom': 'application/atom+xml',
  '.csv': 'text/csv; charset=utf-8',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.rss': 'application/rss+xml',
  '.xml': 'application/xml',
};

/** Answers true for every path under /_local, false for what the API shall answer. */
export function createLocalPages(flowsFolder: string) {
  const inboxes = new Map<string, Received[]>();

  return async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    if (!path.startsWith('/_local/')) return false;
    // They show what others have sent.
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    const [, page = '', name = '', ...rest] = path.slice(1).split('/');
    // One plain name, so nothing outside the folder can be meant.
    const asked = /^\w[\w.-]*$/.test(name) ? [page, ...rest].join('/') : '';
    if (SAMPLES.has(asked)) await sendSample(response, join(flowsFolder, asked), name);
    else if (asked === 'inbox') await receive(request, response, { name, search });
    else if (asked === 'inbox/received') sendJson(response, 200, inboxes.get(name) ?? []);
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
    // A webhook may be called by DELETE; it carries its id.
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

async function sendSample(response: ServerResponse, folder: string, name: string): Promise<void> {
  const sample = await readFile(join(folder, name)).catch(() => undefined);
  if (!sample) return sendJson(response, 404, { message: `flows/${basename(folder)} has no ${name}` });
  response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'text/plain; charset=utf-8' }).end(sample);
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
