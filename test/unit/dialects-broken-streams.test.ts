// A stream whose making fails after its status was sent: it ends in the error form that the clients of its dialect read.

import { expect, test } from 'vitest';
import { type DialectApi, makeDialectApi } from '../support/dialect-api.ts';

const GREET = `
flow: 1
name: greet
inputs: { query: { type: string } }
nodes: { say: { type: set, with: { values: { text: hello } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

interface Case {
  dialect: 'native' | 'dify' | 'qianfan' | 'huawei' | 'tencent';
  path: string;
  body(api: DialectApi): object;
  /** The last events of the stream. */
  end: RegExp;
}

const CASES: Case[] = [
  {
    dialect: 'native',
    path: '/v1/flows/greet/runs',
    body: () => ({ mode: 'stream' }),
    end: /event: error\ndata: \{"error":\{"code":"internal",[^\n]*\n\n$/,
  },
  {
    dialect: 'dify',
    path: '/v1/workflows/run',
    body: () => ({ inputs: {}, response_mode: 'streaming', user: 'u' }),
    end: /\n\ndata: \{"event":"error","workflow_run_id":"[^"]+",[^\n]*"code":"internal_server_error"[^\n]*\n\n$/,
  },
  {
    dialect: 'qianfan',
    path: '/v2/components/greet',
    body: () => ({ stream: true, parameters: {} }),
    end: /\n\ndata:\{"request_id":"[^"]+","code":"InternalError","message":"[^"]+",[^\n]*"status":"error"[^\n]*\n\n$/,
  },
  {
    dialect: 'huawei',
    path: '/v1/p/workflows/greet/conversations/c-1',
    body: () => ({ inputs: {} }),
    end: /\n\ndata: \{"event":"error"[^\n]*"code":"openjiuwen.02001002"[^\n]*\n\ndata: \{"event":"end"[^\n]*\n\n$/,
  },
  {
    dialect: 'tencent',
    path: '/v1/qbot/chat/sse',
    body: ({ holder }) => ({
      content: 'hi',
      session_id: 's-1',
      visitor_biz_id: 'v-1',
      bot_app_key: holder.credentials['appKey'],
      request_id: 'r-1',
    }),
    end: /\n\nevent:error\ndata:\{"type":"error","request_id":"r-1","error":\{"code":460037,"message":"[^"]+"\}\}\n\n$/,
  },
];

test.each(CASES)('of $dialect', async ({ dialect, path, body, end }) => {
  const api = await makeDialectApi({ flows: [GREET], dialect, flow: 'greet' });
  const read = api.ports.runs.read;
  api.ports.runs.read = () => Promise.reject(new Error('A secret of the platform'));
  const { status, text } = await api.call({ path, body: body(api) }, dialect === 'tencent' ? 'none' : 'default');
  api.ports.runs.read = read;
  expect(status).toBe(200);
  expect(text).toMatch(end);
  expect(text).not.toContain('secret');
});
