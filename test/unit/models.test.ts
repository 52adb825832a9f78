// Models over the wire: an endpoint that speaks OpenAI's, and Bedrock's Converse behind the AWS SDK.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { EventStreamCodec } from '@smithy/core/event-streams';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBedrock } from '../../lambdas/aws/bedrock.ts';
import { makeOpenAi } from '../../lambdas/core/models/openai.ts';
import { calculateCost } from '../../lambdas/core/models/prices.ts';
import { CLASSIFY } from '../../lambdas/core/nodes/classify.ts';
import { EXTRACT } from '../../lambdas/core/nodes/extract.ts';
import { LLM } from '../../lambdas/core/nodes/llm/llm.ts';
import type { NodeKind } from '../../lambdas/core/nodes/node-kind.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { nodeContext } from '../support/node-context.ts';
import { type Answer, startOpenAiServer } from '../support/openai-server.ts';

const KEY = 'sk-very-secret';
const http = makeHttpClient({ policy: 'loopback' });

async function asking(kind: NodeKind, input: object, answer: (asked: never, nth: number) => Answer, streams = false) {
  await using server = await startOpenAiServer(answer as never);
  const said: string[] = [];
  const context = nodeContext({
    streams,
    say: (text) => said.push(text),
    models: { small: { use: 'openai/gpt-4o-mini', temperature: 0.3 } },
  });
  context.ports.models = { openai: makeOpenAi(http, { baseUrl: server.baseUrl, apiKey: async () => KEY }) };
  const outcome = await kind.run(context, { model: 'small', ...input } as never);
  return { outcome, said, asked: server.asked, keys: server.keys };
}

const CLASSES = { billing: 'Invoices and refunds', bug: 'Something is broken' };
const SCHEMA = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };

describe('an llm node', () => {
  test('asks for text, by the alias of the flow, and counts what it cost', async () => {
    const { outcome, asked, keys } = await asking(LLM, { system: 'Be brief.', prompt: 'Hi' }, () => 'Hello!');
    expect(asked).toEqual([
      {
        model: 'gpt-4o-mini',
        temperature: 0.3,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hi' },
        ],
      },
    ]);
    expect(keys).toEqual([`Bearer ${KEY}`]);
    expect(outcome).toMatchObject({
      kind: 'done',
      result: { text: 'Hello!', finishReason: 'stop' },
      usage: { totalTokens: 18, inputTokens: 11, outputTokens: 7, model: 'openai/gpt-4o-mini', costMicros: 6 },
    });
  });

  test('streams its text', async () => {
    const { outcome, said } = await asking(LLM, { prompt: 'Hi' }, () => 'Hello, world: it streams. ✓', true);
    expect(said.length).toBeGreaterThan(3);
    expect(said.join('')).toBe('Hello, world: it streams. ✓');
    expect(outcome).toMatchObject({ result: { text: 'Hello, world: it streams. ✓' }, usage: { totalTokens: 18 } });
  });

  test('sends the reasoning effort and the extra fields, and gives the reasoning text', async () => {
    const message = { content: '42', reasoning_content: 'Six times seven' };
    const body = JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] });
    const input = { prompt: 'Hi', reasoning: 'high', extra: { safe: true, model: 'another' } };
    const { outcome, asked } = await asking(LLM, input, () => ({ status: 200, body }));
    expect(asked[0]).toMatchObject({ model: 'gpt-4o-mini', reasoning_effort: 'high', safe: true });
    expect(outcome).toMatchObject({ result: { text: '42', reasoning: 'Six times seven' } });
  });

  test('gives the reasoning text of a stream without streaming it', async () => {
    const pieces = [{ reasoning: 'Six ' }, { reasoning: 'times seven' }, { content: '42' }];
    const chunks = [
      ...pieces.map((delta) => ({ choices: [{ delta }] })),
      { choices: [{ delta: {}, finish_reason: 'stop' }] },
    ];
    const body = chunks.map((it) => `data: ${JSON.stringify(it)}\n\n`).join('');
    const headers = { 'content-type': 'text/event-stream' };
    const { outcome, said } = await asking(LLM, { prompt: 'Hi' }, () => ({ status: 200, headers, body }), true);
    expect([said, outcome]).toMatchObject([['42'], { result: { text: '42', reasoning: 'Six times seven' } }]);
  });

  test('takes a plain answer where it asked for a stream', async () => {
    const { outcome, said } = await asking(LLM, { prompt: 'Hi' }, () => 'plain', true);
    expect([outcome.kind, said]).toEqual(['done', ['plain']]);
  });

  test('gives data that fits its schema, also from a code fence, and asks once more', async () => {
    const answers = ['Sure! {"nam": 1}', '```json\n{"name": "Ada"}\n```'];
    const { outcome, asked } = await asking(
      LLM,
      { prompt: 'Who?', schema: SCHEMA },
      (_, nth) => answers[nth - 1] ?? '',
    );
    expect(outcome).toMatchObject({ kind: 'done', result: { data: { name: 'Ada' } }, usage: { totalTokens: 36 } });
    expect(asked[0].response_format).toMatchObject({ type: 'json_schema' });
    expect(asked[1].messages.at(-1).content).toContain('is not JSON');
  });

  test('fails where the data never fits, and includes the cost', async () => {
    const { outcome } = await asking(LLM, { prompt: 'Who?', schema: SCHEMA }, () => '{}');
    expect(outcome).toMatchObject({ kind: 'failed', code: 'node-failed', retryable: true, usage: { totalTokens: 36 } });
  });

  test('sends images with the last message', async () => {
    const files = [{ url: 'https://example.com/a.png' }];
    const { asked } = await asking(LLM, { prompt: 'What is it?', files }, () => 'A cat');
    expect(asked[0].messages[0].content[1]).toEqual({
      type: 'image_url',
      image_url: { url: 'https://example.com/a.png' },
    });
  });

  test.each<[string, Answer, object]>([
    [
      'a quota',
      { status: 429, headers: { 'retry-after': '7' } },
      { code: 'model-quota', retryable: true, retryAfterMs: 7_000 },
    ],
    ['a fault', { status: 503 }, { code: 'model-unavailable', retryable: true }],
    [
      'a wrong key',
      { status: 401, body: `{"error":{"message":"Bad key ${KEY}"}}` },
      { code: 'model-not-configured', message: expect.not.stringContaining(KEY) },
    ],
    ['a bad request', { status: 400, body: 'no such model' }, { code: 'node-failed', retryable: false }],
    ['garbage', { status: 200, body: '<html>' }, { code: 'model-unavailable' }],
  ])('reports %s as it is', async (_, answer, expected) => {
    const { outcome } = await asking(LLM, { prompt: 'Hi' }, () => answer);
    expect(outcome).toMatchObject({ kind: 'failed', ...expected });
  });

  test('does not accept an incomplete stream', async () => {
    const { outcome } = await asking(LLM, { prompt: 'Hi' }, () => 'break-off', true);
    expect(outcome).toMatchObject({
      kind: 'failed',
      code: 'model-unavailable',
      message: expect.stringContaining('ended early'),
    });
  });

  test.each([
    [{ prompt: 'x', model: 'nobody/x' }, 'no configured provider (configured: openai)'],
    [{ prompt: 'x', model: 'tiny' }, 'is not a model of this flow'],
    [{ system: 'x' }, 'needs a `prompt`'],
    [{ prompt: 'x'.repeat(400_001) }, 'more than 400000 characters'],
  ])('refuses %j', async (input, message) => {
    const { outcome, asked } = await asking(LLM, input, () => 'never');
    expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining(message) });
    expect(asked).toEqual([]);
  });

  test('does not call an address that is not allowed', async () => {
    const context = nodeContext({ models: {} });
    const closed = makeHttpClient({ policy: 'none' });
    context.ports.models = {
      openai: makeOpenAi(closed, { baseUrl: 'http://169.254.169.254/v1', apiKey: async () => KEY }),
    };
    const outcome = await LLM.run(context, { model: 'openai/x', prompt: 'Hi' } as never);
    expect(outcome).toMatchObject({ kind: 'failed', code: 'model-not-configured' });
  });
});

describe('a classify node', () => {
  test.each(['bug', '"Bug".', 'Class: bug', 'something is broken'])('takes the branch for %s', async (said) => {
    const { outcome } = await asking(CLASSIFY, { input: 'It crashes', classes: CLASSES }, () => said);
    expect(outcome).toMatchObject({
      kind: 'done',
      result: { class: 'bug', label: 'Something is broken' },
      port: 'bug',
    });
  });

  test('asks once more, then fails', async () => {
    const { outcome, asked } = await asking(CLASSIFY, { input: '?', classes: CLASSES }, () => 'Hard to say');
    expect(asked).toHaveLength(2);
    expect(outcome).toMatchObject({ kind: 'failed', message: 'The model chose none of the classes' });
  });
});

test('an extract node gives the object', async () => {
  const { outcome } = await asking(EXTRACT, { input: 'I am Ada', schema: SCHEMA }, () => '{"name":"Ada"}');
  expect(outcome).toMatchObject({ kind: 'done', result: { name: 'Ada' } });
});

test('an inference profile costs what its model costs, an unknown model nothing', () => {
  const tokens = { inputTokens: 1_000_000, outputTokens: 0 };
  expect(calculateCost('bedrock/eu.amazon.nova-lite-v1:0', tokens)).toBe(60_000);
  expect(calculateCost('bedrock/jp.amazon.nova-lite-v1:0', tokens)).toBe(60_000);
  expect(calculateCost('bedrock/us-gov.amazon.nova-lite-v1:0', tokens)).toBe(60_000);
  expect(calculateCost('openai/my-own', tokens)).toBe(0);
});

describe('Bedrock', () => {
  const seen: { path: string; body: Record<string, unknown> }[] = [];
  let server: Server;
  let models: ReturnType<typeof makeBedrock>;

  const codec = new EventStreamCodec(
    (bytes) => Buffer.from(bytes).toString(),
    (text) => Buffer.from(text),
  );
  const event = (type: string, body: object) =>
    codec.encode({
      headers: {
        ':message-type': { type: 'string', value: 'event' },
        ':event-type': { type: 'string', value: type },
        ':content-type': { type: 'string', value: 'application/json' },
      },
      body: Buffer.from(JSON.stringify(body)),
    });

  const buildReasoning = (path: string) =>
    path.includes('thinker') ? [{ reasoningContent: { reasoningText: { text: 'A greeting' } } }] : [];

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      const path = decodeURIComponent(request.url ?? '');
      seen.push({ path, body: JSON.parse(text) });
      const usage = { inputTokens: 3, outputTokens: 2, totalTokens: 5 };
      if (path.includes('busy')) {
        const headers = { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException' };
        response.writeHead(429, headers).end('{"message":"Too many tokens"}');
      } else if (path.endsWith('/converse')) {
        const message = { role: 'assistant', content: [...buildReasoning(path), { text: 'Hello!' }] };
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ output: { message }, stopReason: 'end_turn', usage, metrics: { latencyMs: 1 } }));
      } else {
        response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
        for (const piece of ['Hel', 'lo!'])
          response.write(event('contentBlockDelta', { delta: { text: piece }, contentBlockIndex: 0 }));
        response.write(event('messageStop', { stopReason: 'max_tokens' }));
        response.end(event('metadata', { usage, metrics: { latencyMs: 1 } }));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = new BedrockRuntimeClient({
      region: 'eu-west-1',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
      // The server here speaks HTTP/1.1; the client's own default is HTTP/2.
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    });
    models = makeBedrock({ client, offers: ['amazon.nova-lite-v1:0', 'thinker', 'busy'] });
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Hi' },
  ];

  test('answers a conversation', async () => {
    const answer = await models.generate({
      model: 'amazon.nova-lite-v1:0',
      messages,
      temperature: 0,
      timeoutMs: 5_000,
    });
    expect(answer).toEqual({ text: 'Hello!', finishReason: 'stop', inputTokens: 3, outputTokens: 2 });
    expect(seen.at(-1)).toEqual({
      path: '/model/amazon.nova-lite-v1:0/converse',
      body: {
        system: [{ text: 'Be brief.' }],
        messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
        inferenceConfig: { temperature: 0 },
      },
    });
  });

  test('streams', async () => {
    const said: string[] = [];
    const onText = (text: string) => said.push(text);
    const answer = await models.generate({ model: 'amazon.nova-lite-v1:0', messages, onText, timeoutMs: 5_000 });
    expect([said, answer]).toEqual([
      ['Hel', 'lo!'],
      { text: 'Hello!', finishReason: 'length', inputTokens: 3, outputTokens: 2 },
    ]);
  });

  test("sends the model's own fields, and gives its reasoning text", async () => {
    const extra = { thinking: { type: 'enabled', budget_tokens: 1_024 } };
    const answer = await models.generate({ model: 'thinker', messages, extra, timeoutMs: 5_000 });
    expect(answer).toMatchObject({ text: 'Hello!', reasoning: 'A greeting' });
    expect(seen.at(-1)?.body).toMatchObject({ additionalModelRequestFields: extra });
    const common = models.generate({ model: 'thinker', messages, reasoning: 'low', timeoutMs: 5_000 });
    await expect(common).rejects.toMatchObject({ code: 'node-failed' });
  });

  test.each([
    ['busy', 'model-quota'],
    ['not-offered', 'model-not-configured'],
  ])('reports %s', async (model, code) => {
    await expect(models.generate({ model, messages, timeoutMs: 5_000 })).rejects.toMatchObject({ code });
  });
});
