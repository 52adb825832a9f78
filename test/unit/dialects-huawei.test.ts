// Huawei's answers as its typed SDKs read them, and its signatures at addresses of every kind.

import { describe, expect, test } from 'vitest';
import { type Answer, type DialectApi, makeDialectApi, readData } from '../support/dialect-api.ts';
import { authenticateAs } from '../support/dialect-auth.ts';
import { findTypeMisfits, type Interfaces, makeInterfaces } from '../support/vendor-types.ts';

// As the models of the vendor's SDK have them (services/versatile/v1); the run id is ours.
const types: Interfaces = makeInterfaces({
  RunWorkflowResponse: {
    conversation_id: 'string',
    outputs: 'object',
    messages: 'Array<NodeMessage>',
    error_code: 'string',
    error_message: 'string',
    metadata: 'object',
    status: 'Status',
    start_time: 'number',
    end_time: 'number',
    node_info: 'Array<NodeRunInfo>',
    events: 'Array<WorkflowRunStreamRsp>',
    executionId: 'string',
  },
  NodeMessage: {
    role: 'string',
    content: 'string',
    origin: 'string',
    nodeId: 'string',
    nodeType: 'string',
    nodeName: 'string',
    createdTime: 'number',
  },
  NodeRunInfo: {
    agent_id: 'string',
    node_id: 'string',
    parent_node_id: 'string',
    node_status: 'string',
    parent_workflow_id: 'string',
    loop_index: 'number',
    loop_node_id: 'string',
    status: 'Status',
    node_name: 'string',
    node_type: 'string',
    error_message: 'string',
    inputs: 'object',
    outputs: 'object',
    messages: 'Array<object>',
    metadata: 'object',
    start_time: 'number',
    end_time: 'number',
    startup_time: 'number',
    prefill_time: 'number',
    execution_id: 'string',
    inner_error: 'object',
  },
  Status: { code: 'number', desc: 'string' },
  WorkflowRunStreamRsp: { event: 'string', conversation_id: 'string', data: 'object', createdTime: 'number' },
});

const TALK = `
flow: 1
name: talk
inputs: { query: { type: string }, tone: { type: string, default: plain } }
nodes:
  hold: { type: reply, title: Hold, with: { message: "One moment, " } }
  ask: { type: question, title: Ask, needs: hold, with: { message: Red or blue? } }
  round: { type: set, needs: ask, each: { in: "[1, 2]", concurrency: 1 }, with: { values: { n: "\${{ $item }}" } } }
  confirm: { type: reply, needs: round, with: { message: "\${{ $inputs.query }} in \${{ $nodes.ask }}" } }
outputs: { text: "\${{ $nodes.confirm.text }}" }
`;
const PLAIN = `
flow: 1
name: plain
inputs: { query: { type: string } }
nodes: { say: { type: set, title: Say it, with: { values: { text: "You said \${{ $inputs.query }}" } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;

const makeHuawei = () => makeDialectApi({ flows: [TALK, PLAIN], dialect: 'huawei' });

const runPath = (flow: string, conversation = 'c-1') => `/v1/p/workflows/${flow}/conversations/${conversation}`;

async function runWhole(api: DialectApi, flow: string, inputs: object, mode = 'published'): Promise<Answer> {
  const headers = { stream: 'false', 'x-invoke-mode': mode };
  const { status, json } = await api.call({ path: runPath(flow), headers, body: { inputs } });
  expect(status).toBe(200);
  expect(findTypeMisfits(types, 'RunWorkflowResponse', json(), { mayMiss: true })).toEqual([]);
  return json();
}

describe('an answer in one piece', () => {
  test('has what was asked and replied', async () => {
    const { messages, node_info, events } = await runWhole(await makeHuawei(), 'plain', { query: '你好' });
    const shared = { createdTime: expect.any(Number) };
    expect(messages).toEqual([
      {
        ...shared,
        role: 'user',
        content: '你好',
        origin: 'user',
        nodeId: 'node_start',
        nodeType: 'Start',
        nodeName: 'Start',
      },
      {
        ...shared,
        role: 'assistant',
        content: 'You said 你好',
        origin: 'workflow',
        nodeId: 'node_end',
        nodeType: 'End',
        nodeName: 'End',
      },
    ]);
    expect(node_info).toMatchObject([
      { node_id: 'say', node_name: 'Say it', node_status: 'node_finished', status: { code: 0, desc: 'succeeded' } },
    ]);
    // What nodes give is shown in debug mode only.
    expect(node_info[0]).not.toHaveProperty('outputs');
    expect(events).toEqual([]);
  });

  test('has the question that the run waits at, and then only what follows the answer to it', async () => {
    const api = await makeHuawei();
    const asked = await runWhole(api, 'talk', { query: 'A line' });
    expect(asked.status).toEqual({ code: 2, desc: 'waiting' });
    expect(asked.messages.map(({ role, content }: Answer) => [role, content])).toEqual([
      ['user', 'A line'],
      ['assistant', 'One moment, '],
      ['assistant', 'Red or blue?'],
    ]);
    expect(asked.node_info.at(-1)).toMatchObject({
      node_id: 'ask',
      node_status: 'node_wait',
      status: { desc: 'waiting' },
    });
    const answering = runWhole(api, 'talk', { query: 'red' });
    await expect.poll(async () => (await api.ports.runs.get(asked.executionId))?.signals).toBe(1);
    await api.resume(asked.executionId);
    const answered = await answering;
    expect(answered.messages.map(({ role, content }: Answer) => [role, content])).toEqual([
      ['user', 'red'],
      ['assistant', 'A line in red'],
    ]);
    expect(answered.node_info.find(({ node_id }: Answer) => node_id === 'round[00001]')).toMatchObject({
      loop_node_id: 'round',
      loop_index: 1,
    });
  });

  test('in debug mode has every event of the stream, and what nodes gave', async () => {
    const { node_info, events } = await runWhole(await makeHuawei(), 'plain', { query: 'hi' }, 'debug');
    expect(node_info[0].outputs).toEqual({ text: 'You said hi' });
    expect(events.map(({ event }: Answer) => event)).toEqual([
      'workflow_started',
      'node_started',
      'node_finished',
      'workflow_node_message',
      'message',
      'workflow_finished',
      'end',
    ]);
  });
});

test('node_wait says that the node is waiting', async () => {
  const api = await makeHuawei();
  const { text } = await api.call({ path: runPath('talk'), body: { inputs: { query: 'A' } } });
  const wait = readData(text).find(({ event }) => event === 'node_wait');
  expect(wait.data).toMatchObject({ node_id: 'ask', status: { code: 2, desc: 'waiting' } });
});

describe('a signature of an access key', () => {
  async function callBehind(prefix: string, signedPath: string) {
    const api = await makeHuawei();
    const path = `${runPath('plain')}?workspace_id=w-1`;
    const body = JSON.stringify({ inputs: { query: 'x' } });
    const headers = { 'content-type': 'application/json', stream: 'false' };
    const url = new URL(`https://api.example.com${signedPath}${path}`);
    const proof = authenticateAs('sdk-hmac', { method: 'POST', url, headers, body }, api.holder.credentials);
    const stage = prefix.slice(1);
    const call = { method: 'POST', path, headers: { ...headers, ...proof }, body, ...(stage && { stage }) };
    return (await api.callAs(undefined, call)).status;
  }

  test.each([
    ['at the root of a domain', '', '', 200],
    ['behind the prefix of a stage', '/prod', '/prod', 200],
    ['where something in front of it took the prefix away', '/prod', '', 200],
    ['for another stage', '/prod', '/dev', 401],
  ])('is accepted or refused: %s', async (_, prefix, signedPath, status) => {
    expect(await callBehind(prefix, signedPath)).toBe(status);
  });
});
