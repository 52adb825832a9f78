// The request lines of the vendors' own documents, as they stand there: only the address, the key and what is written as
// a placeholder are replaced.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { startTestRuntime } from '../support/runtime.ts';

const GREET = `
flow: 1
name: greet
title: Greeting
inputs: { name: { type: string, default: world } }
nodes: { say: { type: set, with: { values: { text: "Hello, \${{ $inputs.name }}!" } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;
const ANSWER = `
flow: 1
name: answer
inputs: { query: { type: string, required: true, alias: _sys_origin_query } }
nodes: { say: { type: set, with: { values: { text: "You said: \${{ $inputs.query }}" } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

const run = promisify(execFile);
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(api, 'greet', GREET);
  await publishFlow(api, 'answer', ANSWER);
}, 120_000);
afterAll(() => runtime?.stop());

async function credentials(body: object): Promise<Record<string, string>> {
  return (await api.call('POST', '/v1/keys', body)).body.credentials;
}

/** Runs the line in a shell; what is written for a person to fill in is filled in. */
async function said(line: string, filled: Record<string, string>): Promise<string> {
  const command = Object.entries(filled).reduce(
    (text, [placeholder, value]) => text.replaceAll(placeholder, value),
    line,
  );
  const { stdout } = await run('bash', ['-c', command.replace(/^curl/, 'curl --silent --show-error --noproxy "*"')]);
  return stdout;
}

const DIFY_RUN = `curl -X POST '\${props.appDetail.api_base_url}/workflows/run' \\
    --header 'Authorization: Bearer {api_key}' \\
    --header 'Content-Type: application/json' \\
    --data-raw '{        "inputs": {},        "response_mode": "streaming",        "user": "abc-123"    }'`;
const DIFY_STOP = `curl -X POST '\${props.appDetail.api_base_url}/workflows/:task_id/stop' \\
    -H 'Authorization: Bearer {api_key}' \\
    -H 'Content-Type: application/json' \\
    --data-raw '{        "user": "abc-123"    }'`;
const DIFY_PARAMETERS = `curl -X GET '\${props.appDetail.api_base_url}/parameters?user=abc-123' \\
    --header 'Authorization: Bearer {api_key}'`;

test('Dify', async () => {
  const { key = '' } = await credentials({ dialect: 'dify', flow: 'greet' });
  const filled = { '${props.appDetail.api_base_url}': `${api.baseUrl}/v1`, '{api_key}': key };
  const stream = await said(DIFY_RUN, filled);
  const lines = stream.split('\n\n').filter((line) => line.startsWith('data: '));
  const events: Body[] = lines.map((line) => JSON.parse(line.slice('data: '.length)));
  expect(events[0].event).toBe('workflow_started');
  expect(events.at(-1)).toMatchObject({ event: 'workflow_finished', data: { outputs: { text: 'Hello, world!' } } });
  expect(JSON.parse(await said(DIFY_STOP, { ...filled, ':task_id': events[0].task_id }))).toEqual({
    result: 'success',
  });
  const form = JSON.parse(await said(DIFY_PARAMETERS, filled));
  expect(form).toMatchObject({ user_input_form: [{}], system_parameters: { image_file_size_limit: '4' } });
});

const GPTBOTS_RUN = `curl -X POST 'https://api-\${endpoint}.gptbots.ai/v1/workflow/invoke' \\
-H 'Authorization: Bearer \${API Key}' \\
-H 'Content-Type: application/json' \\
-d '{
"userId": "<your_user_id>",
"input": {
<your_workflow_input_params>
},
"isAsync": true,
"webhook": [
{
"method": "POST",
"url": "https://example-1.com",
"headers": {
"Accept": "application/json",
"Authorization": "Bearer <your_token>"
}
},
{
"method": "GET",
"url": "https://example-2.com?fr=google",
"headers": {
"Accept": "application/json",
"Authorization": "Bearer <your_token>"
}
}
]
}'`;

test('GPTBots', async () => {
  const { key = '' } = await credentials({ dialect: 'gptbots', flow: 'greet' });
  const answer = await said(GPTBOTS_RUN, {
    'https://api-${endpoint}.gptbots.ai': api.baseUrl,
    '${API Key}': key,
    '<your_workflow_input_params>': '"name": "Ada"',
  });
  expect(JSON.parse(answer)).toMatchObject({ workflowName: 'Greeting', status: 'PENDING' });
});

const QIANFAN_RUN = `curl -X POST "https://qianfan.baidubce.com/v2/tools/workflow/async/run" \\
-H "Authorization: Bearer bce-v3/ALTAK-******ZftZDTn7/125eeb1c5e9ddc8cf3edf18ef6d03f1517ec9408" \\
-H "Content-Type: application/json" \\
-d '{
"component": "c-wf-dce67d59-04eb-406b-8d7b-f0bdfb28a713",
"parameters": {
"_sys_origin_query": "你好"
}
}'`;

test('Baidu Qianfan', async () => {
  const ids = { 'c-wf-dce67d59-04eb-406b-8d7b-f0bdfb28a713': 'answer' };
  const { key = '' } = await credentials({ dialect: 'qianfan', ids });
  const answer = await said(QIANFAN_RUN, {
    'https://qianfan.baidubce.com': api.baseUrl,
    'bce-v3/ALTAK-******ZftZDTn7/125eeb1c5e9ddc8cf3edf18ef6d03f1517ec9408': key,
  });
  const { execute_id: id } = JSON.parse(answer);
  const { body } = await api.call('GET', `/v1/runs/${id}`);
  expect(Object.values(body.inputs)).toContain('你好');
});

// Its document describes the request as an object.
const HUAWEI_RUN = {
  method: 'POST',
  url: 'https://api.example.com/v1/12345/workflows/67890/conversations/67890',
  headers: {
    'Content-Type': 'application/json',
    'X-Auth-Token': 'MIINRwYJKoZIhvcNAQcCoIINODCCDTQCAQExDTALBglghkgBZQMEAgEwgguVBgkqhkiG...',
    stream: true,
  },
  body: { inputs: { query: '你好' }, plugin_configs: [{ plugin_id: 'xxxxxxxxx', config: { key: 'value' } }] },
};

test('Huawei Cloud', async () => {
  const { token = '' } = await credentials({ dialect: 'huawei', ids: { '67890': 'answer' } });
  const { method, url, headers, body } = HUAWEI_RUN;
  const answer = await fetch(url.replace('https://api.example.com', api.baseUrl), {
    method,
    headers: { ...headers, 'X-Auth-Token': token, stream: String(headers.stream) },
    body: JSON.stringify(body),
  });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    expect.stringMatching(/^text\/event-stream/),
  ]);
  expect(await answer.text()).toContain('你好');
});
