// Calls over HTTP as they are: any method, path and header that a socket can carry, which fetch would tidy up.

import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ApiAnswer, ApiCall } from './api-event.ts';

const isSendable = ([, value]: [string, string]) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

export function makeHttpCaller(baseUrl: string): (call: ApiCall) => Promise<ApiAnswer> {
  const { hostname, port } = new URL(baseUrl);
  return ({ method = 'GET', path, headers = {}, body }) => {
    const bytes = typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : body;
    const sent = Object.fromEntries(Object.entries(headers).filter(isSendable));
    const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
    const options = { hostname, port, method, path, headers: sent, signal: AbortSignal.timeout(30_000) };
    const asked = request(options, async (answer) => {
      const said = await text(answer).catch(reject);
      if (said === undefined) return;
      const flat = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      resolve({
        status: answer.statusCode ?? 0,
        headers: Object.fromEntries(flat),
        text: said,
        json: () => JSON.parse(said),
      });
    });
    asked.on('error', reject).end(bytes);
    return promise;
  };
}
