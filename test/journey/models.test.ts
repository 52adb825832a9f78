import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { type OpenAiServer, startOpenAiServer } from '../support/openai-server.ts';
import { startTestRuntime } from '../support/runtime.ts';
import { allEvents } from '../support/sse.ts';

const DIGEST = `
flow: 1
name: digest
inputs: { topics: { type: array, default: [tea, rain] } }
models: { small: openai/gpt-4o-mini }
settings: { maxTokens: 80 }
nodes:
  each:
    type: llm
    each: { in: $inputs.topics, concurrency: 1 }
    with: { model: small, prompt: "One line on \${{ $item }}" }
    output: \${{ $result.text }}
  kind: { type: classify, needs: each, with: { model: small, input: "\${{ $nodes.each[0] }}", classes: { good: Good news, bad: Bad news } } }
  cheer: { type: set, needs: kind:good, with: { values: { text: Hooray } } }
  mourn: { type: set, needs: kind:bad, with: { values: { text: Alas } } }
  mood: { type: first, with: { values: ["\${{ $nodes.cheer.text }}", "\${{ $nodes.mourn.text }}"] } }
outputs:
  lines: { type: array, value: "\${{ $nodes.each }}" }
  mood: \${{ $nodes.mood }}
`;
const STORY = `
flow: 1
name: story
nodes: { story: { type: llm, stream: true, with: { model: openai/gpt-4o-mini, prompt: Write to me } } }
outputs: { text: "\${{ $nodes.story.text }}" }
`;

const LOOK_UP = `
flow: 1
name: lookUp
nodes: { found: { type: retrieve, with: { source: handbook, query: holidays } } }
`;

let models: OpenAiServer;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  models = await startOpenAiServer(({ messages }) => {
    const [first] = messages;
    if (first.content.startsWith('Choose')) return 'good';
    return first.content === 'Write to me' ? 'Once upon a time there was a queue.' : `About ${first.content.slice(12)}`;
  });
  runtime = await startTestRuntime({ models: { OPENAI_BASE_URL: models.baseUrl, OPENAI_API_KEY: 'sk-local' } });
  api = await demoClient(runtime);
  await publishFlow(api, 'digest', DIGEST);
  await publishFlow(api, 'story', STORY);
  await publishFlow(api, 'lookUp', LOOK_UP);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await models?.[Symbol.asyncDispose]();
});

test('a flow asks a model for each item, classifies, branches, and counts tokens and dollars', async () => {
  const { body } = await api.call('POST', '/v1/flows/digest/runs', {});
  expect(body).toMatchObject({
    status: 'succeeded',
    outputs: { lines: ['About tea', 'About rain'], mood: 'Hooray' },
    usage: { totalTokens: 54, currency: 'USD' },
  });
  expect(body.usage.cost).toBeGreaterThan(0);
  expect(models.keys).toContain('Bearer sk-local');
});

test('a run ends when its budget of tokens is used up', async () => {
  const { body } = await api.call('POST', '/v1/flows/digest/runs', {
    inputs: { topics: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] },
  });
  expect([body.status, body.error.code]).toEqual(['failed', 'budget-exceeded']);
  expect(body.usage.totalTokens).toBe(90);
});

test('the text of a streaming node is sent as it is written, in the API of Dify as in ours', async () => {
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ mode: 'stream' });
  const events = await allEvents(await fetch(`${api.baseUrl}/v1/flows/story/runs`, { method: 'POST', headers, body }));
  const said = events.filter(({ event }) => event === 'node.delta').map(({ data }) => data.text);
  expect(said.length).toBeGreaterThan(3);
  expect(said.join('')).toBe('Once upon a time there was a queue.');

  const { credentials } = (await api.call('POST', '/v1/keys', { dialect: 'dify', flow: 'story' })).body;
  const asDify = { authorization: `Bearer ${credentials.key}`, 'content-type': 'application/json' };
  const run = JSON.stringify({ inputs: {}, response_mode: 'streaming', user: 'u' });
  const stream = await fetch(`${api.baseUrl}/v1/workflows/run`, { method: 'POST', headers: asDify, body: run });
  expect((await stream.text()).match(/"event":"text_chunk"/g)?.length).toBeGreaterThan(3);
});

test('the models that can be asked are listed with prices', async () => {
  const { items } = (await api.call('GET', '/v1/models')).body;
  expect(items).toContainEqual({
    id: 'openai/gpt-4o-mini',
    provider: 'openai',
    price: { input: 0.15, output: 0.6, version: expect.any(String) },
  });
  expect(items).toContainEqual({ id: 'openai/*', provider: 'openai', price: null });
});

test('a model that cannot be asked here is reported when the draft is saved, with its line', async () => {
  const source = STORY.replace('name: story', 'name: other').replace(
    'openai/gpt-4o-mini',
    'bedrock/amazon.nova-lite-v1:0',
  );
  const { status, body } = await api.call('PUT', '/v1/flows/other/draft', source, {
    'content-type': 'application/yaml',
  });
  expect(status).toBe(200);
  expect(body.problems).toMatchObject([
    { line: 4, severity: 'warning', message: expect.stringContaining('no configured provider (configured: openai)') },
  ]);
});

test('a knowledge base that the deployment does not have is named in the error', async () => {
  const { body } = await api.call('POST', '/v1/flows/lookUp/runs', {});
  const message = "This deployment has no knowledge base 'handbook': it has none (stack option knowledgeBases)";
  expect(body).toMatchObject({ status: 'failed', error: { code: 'node-failed', node: 'found', message } });
});
