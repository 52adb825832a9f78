// Tencent's answers as its typed SDKs read them: the types that it publishes are the judge.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { type Answer, type DialectApi, makeDialectApi } from '../support/dialect-api.ts';
import { findTypeMisfits, readInterfaces } from '../support/vendor-types.ts';

const SDK = join(import.meta.dirname, '../../node_modules/tencentcloud-sdk-nodejs/tencentcloud/services/lke/v20231130');
const types = readInterfaces(join(SDK, 'lke_models.d.ts'));

const PLAIN = `
flow: 1
name: plain
inputs: { topic: { type: string, default: news }, options: { type: object }, count: { type: integer, default: 3 } }
nodes: { say: { type: set, title: Say it, with: { values: { text: "About \${{ $inputs.topic }}" } } } }
outputs: { text: "\${{ $nodes.say.text }}" }
`;
const ASK = `
flow: 1
name: asks
inputs: { query: { type: string, required: true } }
nodes:
  draft: { type: llm, with: { model: openai/small, prompt: "\${{ $inputs.query }}" } }
  check: { type: llm, with: { model: openai/large, prompt: "\${{ $nodes.draft.text }}" } }
outputs: { text: "\${{ $nodes.check.text }}" }
`;
const CHATTY = `
flow: 1
name: chatty
nodes:
  first: { type: set, with: { values: { a: 1 } } }
  talk:
    type: reply
    with: { message: "One moment" }
  ask: { type: question, with: { message: Red or blue? } }
outputs: {}
`;
const SLOW = `
flow: 1
name: slow
nodes:
  begin: { type: set, with: { values: { n: 1 } } }
  never: { type: set, when: "$nodes.begin.n = 2", with: { values: { n: 2 } } }
  think: { type: llm, needs: begin, with: { model: openai/slow, prompt: Think } }
  wait: { type: callback, needs: begin, timeout: 1h, with: { message: Anybody there? } }
  end: { type: set, with: { values: { text: "\${{ $nodes.think.text }}" } } }
outputs: { text: "\${{ $nodes.end.text }}" }
`;

const ENDLESS = new Promise<never>(() => undefined);
const models: Ports['models'] = {
  openai: {
    async generate({ model }) {
      if (model === 'slow') return ENDLESS;
      const outputTokens = model === 'large' ? 40 : 2;
      return { text: `from ${model}`, finishReason: 'stop', inputTokens: 10, outputTokens };
    },
  },
};

interface Tencent extends DialectApi {
  AppBizId: string;
  /** The contents of `Response`, whose headers are checked. */
  act(name: string, input?: object): Promise<Answer>;
  create(input?: object): Promise<Answer>;
  describe(WorkflowRunId: string, input?: object): Promise<Answer>;
}

async function makeTencent(flow: string): Promise<Tencent> {
  const api = await makeDialectApi({ flows: [PLAIN, ASK, CHATTY, SLOW], dialect: 'tencent', flow }, { models });
  const AppBizId = api.holder.credentials['appBizId'] ?? '';
  const act = async (name: string, input: object = {}) => {
    const headers = { 'x-tc-action': name, 'x-tc-version': '2023-11-30' };
    const { status, headers: answered, json } = await api.call({ path: '/', headers, body: { AppBizId, ...input } });
    // The Python SDK compares it as a text, and takes everything else for the answer of an action that returns bytes.
    expect([status, answered['content-type']]).toEqual([200, 'application/json']);
    return (json() as Answer).Response;
  };
  return {
    ...api,
    AppBizId,
    act,
    create: (input = {}) => act('CreateWorkflowRun', { RunEnv: 1, ...input }),
    describe: async (WorkflowRunId, input = {}) => act('DescribeWorkflowRun', { WorkflowRunId, ...input }),
  };
}

describe('the answer of an action has the declared type', () => {
  test.each(['plain', 'asks'])('for a run of %s', async (flow) => {
    const tencent = await makeTencent(flow);
    const created = await tencent.create({ Query: 'hello' });
    expect(findTypeMisfits(types, 'CreateWorkflowRunResponse', created)).toEqual([]);
    const { WorkflowRunId } = created;
    const before = await tencent.describe(WorkflowRunId);
    expect(findTypeMisfits(types, 'DescribeWorkflowRunResponse', before)).toEqual([]);
    await tencent.work();
    const after = await tencent.describe(WorkflowRunId, { IncludeWorkflowGraph: true });
    expect(findTypeMisfits(types, 'DescribeWorkflowRunResponse', after)).toEqual([]);
    expect(after.WorkflowRun).toMatchObject({ State: 2, LatestMessage: null });
    const listed = await tencent.act('ListWorkflowRuns', { PageSize: 20 });
    expect(findTypeMisfits(types, 'ListWorkflowRunsResponse', listed)).toEqual([]);
    expect(listed.Total).toBe(1);
    for (const { NodeRunId } of after.NodeRuns) {
      const described = await tencent.act('DescribeNodeRun', { NodeRunId });
      expect(findTypeMisfits(types, 'DescribeNodeRunResponse', described)).toEqual([]);
    }
    const stopped = await tencent.act('StopWorkflowRun', { WorkflowRunId });
    expect(findTypeMisfits(types, 'StopWorkflowRunResponse', stopped)).toEqual([]);
  });

  test('and a refusal has the bare content type too', async () => {
    const tencent = await makeTencent('plain');
    const { Error: refused } = await tencent.act('DescribeWorkflowRun', { WorkflowRunId: 'nothing' });
    expect(refused.Code).toBe('ResourceNotFound');
  });
});

describe('what was asked comes back as it was sent', () => {
  const sent = {
    Query: 'show me',
    CustomVariables: [
      { Name: 'options', Value: '{ "deep": [1, 2] }' },
      { Name: 'count', Value: '05' },
    ],
  };

  test('also where the flow has no input for the query, and without its defaults', async () => {
    const tencent = await makeTencent('plain');
    const input = { ...sent, CustomVariables: sent.CustomVariables.slice(0, 1) };
    const { WorkflowRunId } = await tencent.create(input);
    expect((await tencent.describe(WorkflowRunId)).WorkflowRun).toMatchObject(input);
  });

  test.each([
    ['the query', 'SHOW m', 1],
    ['a variable as it was written', '{ "deep": [1', 1],
    ['no other text', 'nothing like it', 0],
  ])('and is found by %s', async (_, Query, Total) => {
    const tencent = await makeTencent('plain');
    await tencent.create({ ...sent, CustomVariables: sent.CustomVariables.slice(0, 1) });
    expect(await tencent.act('ListWorkflowRuns', { PageSize: 20, Query })).toMatchObject({ Total });
  });

  test('a text that is too long for the run record comes back from the input that took it', async () => {
    const tencent = await makeTencent('asks');
    const Query = 'long '.repeat(1_000);
    const { WorkflowRunId } = await tencent.create({ Query });
    expect((await tencent.describe(WorkflowRunId)).WorkflowRun).toMatchObject({ Query, CustomVariables: [] });
  });

  test('a long query that no input takes comes back shortened, and long variables from their inputs', async () => {
    const tencent = await makeTencent('plain');
    const Value = 'x'.repeat(3_000);
    const Query = 'q'.repeat(3_000);
    const { WorkflowRunId } = await tencent.create({ Query, CustomVariables: [{ Name: 'topic', Value }] });
    const { WorkflowRun } = await tencent.describe(WorkflowRunId);
    expect(WorkflowRun.CustomVariables).toEqual([{ Name: 'topic', Value }]);
    expect(WorkflowRun.Query).toMatch(/^q{1000,}$/);
  });
});

describe('the nodes of a run', () => {
  test('show their models and tokens, and the run its main model', async () => {
    const tencent = await makeTencent('asks');
    const { WorkflowRunId } = await tencent.create({ Query: 'hello' });
    await tencent.work();
    const { WorkflowRun, NodeRuns } = await tencent.describe(WorkflowRunId);
    expect(WorkflowRun).toMatchObject({ MainModelName: 'openai/large', TotalTokens: 62 });
    const { NodeRun } = await tencent.act('DescribeNodeRun', { NodeRunId: NodeRuns[0].NodeRunId });
    expect(NodeRun.StatisticInfos).toMatchObject([
      { ModelName: 'openai/small', InputTokens: 10, OutputTokens: 2, TotalTokens: 12 },
    ]);
  });

  test('are shown while they run, and as canceled when the run was', async () => {
    const tencent = await makeTencent('slow');
    const { WorkflowRunId } = await tencent.create();
    tencent.work().catch(() => undefined);
    const states = async () => {
      const { NodeRuns } = await tencent.describe(WorkflowRunId);
      return Object.fromEntries(NodeRuns.map(({ NodeId, State }: Answer) => [NodeId, State]));
    };
    await expect.poll(states).toEqual({ begin: 2, think: 1, wait: 1 });
    const { NodeRun } = await tencent.act('DescribeNodeRun', { NodeRunId: `${WorkflowRunId}:think` });
    expect(NodeRun).toMatchObject({ NodeId: 'think', NodeType: 3, State: 1, StartTime: '', EndTime: '' });
    await tencent.act('StopWorkflowRun', { WorkflowRunId });
    await expect.poll(states, { timeout: 9_000 }).toEqual({ begin: 2, think: 4, wait: 4 });
  });
});

describe('a dialogue', () => {
  const say = (tencent: Tencent, path: string) => {
    const key = { bot_app_key: tencent.holder.credentials['appKey'], session_id: 's-1', visitor_biz_id: 'v-1' };
    const body = { content: 'hello there', custom_variables: { topic: 'sport' }, ...key };
    return tencent.call({ path, body }, 'none');
  };

  test('leaves a run that can be described and found', async () => {
    const tencent = await makeTencent('plain');
    expect((await say(tencent, '/v1/qbot/chat/sse')).text).toContain('About sport');
    const { WorkflowRuns } = await tencent.act('ListWorkflowRuns', { PageSize: 20, RunEnv: 1, Query: 'hello there' });
    const described = await tencent.describe(WorkflowRuns[0].WorkflowRunId);
    expect(findTypeMisfits(types, 'DescribeWorkflowRunResponse', described)).toEqual([]);
    expect(described.WorkflowRun).toMatchObject({
      AppBizId: tencent.AppBizId,
      Query: 'hello there',
      CustomVariables: [{ Name: 'topic', Value: 'sport' }],
      State: 2,
    });
  });

  test('debugs the draft at the address of the test environment', async () => {
    const tencent = await makeTencent('plain');
    const owner = await tencent.issue('acme', { scopes: ['admin'] });
    const headers = { 'content-type': 'application/yaml' };
    const body = PLAIN.replace('About', 'Draft about');
    await tencent.callAs(owner, { method: 'PUT', path: '/v1/flows/plain/draft', headers, body });
    expect((await say(tencent, '/v1/qbot/chat/experienceSse')).text).toContain('Draft about sport');
    expect(await tencent.act('ListWorkflowRuns', { PageSize: 20, RunEnv: 0 })).toMatchObject({ Total: 1 });
    expect(await tencent.act('ListWorkflowRuns', { PageSize: 20, RunEnv: 1 })).toMatchObject({ Total: 0 });
  });
});

test('a flow that cannot run asynchronously is refused with every node and its line', async () => {
  const tencent = await makeTencent('chatty');
  const { Error: refused } = await tencent.create();
  expect(refused).toEqual({
    Code: 'FailedOperation',
    Message:
      "Flow 'chatty' cannot run asynchronously: node 'talk' (line 6) replies to the end user; node 'ask' (line 9) asks the end user a question",
  });
});

test('another application of the account does not show the run', async () => {
  const tencent = await makeTencent('plain');
  const { WorkflowRunId } = await tencent.create();
  for (const AppBizId of ['asks', '1963140753734418240']) {
    expect((await tencent.describe(WorkflowRunId, { AppBizId })).Error.Code).toBe('ResourceNotFound');
  }
});
