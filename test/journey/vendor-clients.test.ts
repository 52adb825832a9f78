// The vendors' own clients, unmodified: a new address and a new key, and nothing else.

import { BasicCredentials } from '@huaweicloud/huaweicloud-sdk-core';
import { ClientBuilder } from '@huaweicloud/huaweicloud-sdk-core/ClientBuilder.js';
import type { HcClient } from '@huaweicloud/huaweicloud-sdk-core/HcClient.js';
import type { SdkResponse } from '@huaweicloud/huaweicloud-sdk-core/SdkResponse.js';
import { CompletionClient, type DifyClient } from 'dify-client';
import { lke } from 'tencentcloud-sdk-nodejs/tencentcloud/services/lke/index.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, type Body, demoClient, publishFlow } from '../support/api-client.ts';
import { readCaseFlows } from '../support/dialect-cases.ts';
import { startTestRuntime } from '../support/runtime.ts';

let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  for (const [name, source] of Object.entries(await readCaseFlows())) await publishFlow(api, name, source);
}, 120_000);
afterAll(() => runtime?.stop());

// Its type declarations forget the call that its code has.
interface WorkflowCaller extends DifyClient {
  runWorkflow(inputs: object, user: string, stream?: boolean): Promise<{ data: Body }>;
  fileUpload(form: FormData): Promise<{ data: Body }>;
}

const difyClient = (key: string) => new CompletionClient(key, `${api.baseUrl}/v1`) as unknown as WorkflowCaller;

async function issue(dialect: string, bound: object): Promise<Record<string, string>> {
  const { status, body } = await api.call('POST', '/v1/keys', { dialect, ...bound });
  expect(status).toBe(201);
  return body.credentials;
}

test("Dify's client reads the form, runs blocking and streams", async () => {
  const { key = '' } = await issue('dify', { flow: 'greet' });
  const client = difyClient(key);
  const { data: form } = await client.getApplicationParameters('abc-123');
  expect(form.user_input_form).toMatchObject([{ 'text-input': { variable: 'name' } }]);
  const { data: answer } = await client.runWorkflow({ name: 'Ada' }, 'abc-123');
  expect(answer.data).toMatchObject({ status: 'succeeded', outputs: { text: 'Hello, Ada!' } });
  const { data: stream } = await client.runWorkflow({ name: 'Eve' }, 'abc-123', true);
  let text = '';
  for await (const chunk of stream) text += chunk;
  expect(text).toContain('"event":"workflow_finished"');
  expect(text).toContain('Hello, Eve!');
});

test("Dify's client uploads a file and runs with it", async () => {
  const { key = '' } = await issue('dify', { flow: 'attach' });
  const client = difyClient(key);
  const form = new FormData();
  form.set('file', new Blob(['hello'], { type: 'text/plain' }), 'report.txt');
  form.set('user', 'abc-123');
  const { data: file } = await client.fileUpload(form);
  const report = { type: 'document', transfer_method: 'local_file', upload_file_id: file.id };
  const { data: answer } = await client.runWorkflow({ report }, 'abc-123');
  expect(answer.data).toMatchObject({ status: 'succeeded', outputs: { one: 'report.txt' } });
});

test("Dify's client gets Dify's error for a wrong key", async () => {
  const client = difyClient('app-wrong');
  const refused = client.runWorkflow({}, 'abc-123');
  await expect(refused).rejects.toMatchObject({ response: { status: 401, data: { code: 'unauthorized' } } });
});

test("Tencent's SDK creates, describes, lists and stops runs", async () => {
  const { secretId = '', secretKey = '', appBizId: AppBizId = '' } = await issue('tencent', { flow: 'reply' });
  const { host } = new URL(api.baseUrl);
  const client = new lke.v20231130.Client({
    credential: { secretId, secretKey },
    region: 'ap-guangzhou',
    profile: { httpProfile: { endpoint: host, protocol: 'http://' } },
  });
  const created = await client.CreateWorkflowRun({
    AppBizId,
    RunEnv: 1,
    Query: '你好',
    CustomVariables: [{ Name: 'tone', Value: 'loud' }],
  });
  expect(created).toMatchObject({ AppBizId, RunEnv: 1, Query: '你好' });
  const WorkflowRunId = created.WorkflowRunId ?? '';
  const describe = () => client.DescribeWorkflowRun({ AppBizId, WorkflowRunId, IncludeWorkflowGraph: true });
  await expect.poll(async () => (await describe()).WorkflowRun?.State, { timeout: 20_000 }).toBe(2);
  const described = await describe();
  expect(described.WorkflowRun).toMatchObject({ Output: 'You asked: 你好', Query: '你好' });
  const NodeRunId = described.NodeRuns?.[0]?.NodeRunId ?? '';
  const { NodeRun } = await client.DescribeNodeRun({ AppBizId, NodeRunId });
  expect(NodeRun).toMatchObject({ NodeName: 'Say it', State: 2 });
  const listed = await client.ListWorkflowRuns({ AppBizId, PageSize: 20, RunEnv: 1 });
  expect(listed).toMatchObject({ Total: 1, WorkflowRuns: [{ WorkflowRunId }] });
  await expect(client.StopWorkflowRun({ AppBizId, WorkflowRunId })).resolves.toHaveProperty('RequestId');
  await expect(client.StopWorkflowRun({ AppBizId, WorkflowRunId: 'nothing' })).rejects.toMatchObject({
    code: 'ResourceNotFound',
  });
});

test("Huawei's SDK signs, runs a workflow in one response, and throws our errors", async () => {
  const { accessKey = '', secretKey = '', projectId = '' } = await issue('huawei', { flow: 'reply' });
  const credentials = new BasicCredentials().withAk(accessKey).withSk(secretKey).withProjectId(projectId);
  const client = new ClientBuilder<HcClient>((hc: HcClient) => hc)
    .withCredential(credentials)
    .withEndpoint(api.baseUrl)
    .build();
  const run = (data: object) =>
    client.sendRequest<SdkResponse>({
      method: 'POST',
      url: '/v1/{project_id}/workflows/{workflow_id}/conversations/{conversation_id}',
      contentType: 'application/json',
      queryParams: { workspace_id: 'w-1' },
      pathParams: { project_id: projectId, workflow_id: 'reply', conversation_id: 'c-9' },
      headers: { stream: 'false' },
      data,
    });
  await expect(run({ inputs: { query: '你好' } })).resolves.toMatchObject({
    conversation_id: 'c-9',
    outputs: { text: 'You asked: 你好' },
    status: { desc: 'succeeded' },
  });
  await expect(run({ inputs: { tone: 'loud' } })).rejects.toMatchObject({
    httpStatusCode: 400,
    errorCode: 'openjiuwen.02001003',
    errorMsg: 'inputs.question is required',
  });
});
