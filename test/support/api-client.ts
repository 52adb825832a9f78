// A caller of the native API over HTTP, as tests use it.

import { createDemoKey } from '../../local/demo.ts';
import type { Runtime } from '../../local/runtime.ts';

// biome-ignore lint/suspicious/noExplicitAny: an answer is read as whatever the test expects of it
export type Body = any;

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

export interface ApiClient {
  baseUrl: string;
  key: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The same address with another key. */
  as(key: string): ApiClient;
}

/** A body that is a string or bytes is sent as it is, anything else as JSON. */
export function makeApiClient(baseUrl: string, key: string): ApiClient {
  return {
    baseUrl,
    key,
    as: (other) => makeApiClient(baseUrl, other),
    async call(method, path, body, headers = {}) {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const answer = await fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          ...(key !== '' && { authorization: `Bearer ${key}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
  };
}

export async function demoClient(runtime: Runtime): Promise<ApiClient> {
  return makeApiClient(runtime.baseUrl, await createDemoKey(runtime, null));
}

/** Stores the draft and publishes it; answers the version. */
export async function publishFlow(client: ApiClient, name: string, source: string): Promise<string> {
  const draft = await client.call('PUT', `/v1/flows/${name}/draft`, source, { 'content-type': 'application/yaml' });
  const published = await client.call('POST', `/v1/flows/${name}/publish`);
  if (published.status !== 201) throw new Error(JSON.stringify([draft.body, published.body]));
  return published.body.version;
}
