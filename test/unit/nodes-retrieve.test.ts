// The retrieve node, with Bedrock's Retrieve behind the AWS SDK as it is on the wire.

import { BedrockAgentRuntimeClient } from '@aws-sdk/client-bedrock-agent-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { describe, expect, test } from 'vitest';
import { makeKnowledge } from '../../lambdas/aws/knowledge.ts';
import type { JsonObject } from '../../lambdas/core/json.ts';
import { RETRIEVE } from '../../lambdas/core/nodes/retrieve.ts';
import { startHttpServer } from '../support/http-server.ts';
import { nodeContext } from '../support/node-context.ts';

const HITS = [
  {
    content: { type: 'TEXT', text: 'Holidays: 30 days.' },
    location: { type: 'S3', s3Location: { uri: 's3://handbook/holidays.pdf' } },
    metadata: { year: 2025 },
    score: 0.9,
  },
  {
    content: { type: 'TEXT', text: 'Parking is free.' },
    location: { type: 'WEB', webLocation: { url: 'https://example.com/parking' } },
    score: 0.4,
  },
  { content: { type: 'IMAGE', byteContent: 'data:image/png;base64,AA==' }, score: 0.3 },
];

async function retrieve(input: JsonObject, answer: { status?: number; type?: string; body?: object } = {}) {
  const { status = 200, type, body = { retrievalResults: HITS } } = answer;
  await using server = await startHttpServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...(type && { 'x-amzn-errortype': type }) });
    response.end(JSON.stringify(body));
  });
  const client = new BedrockAgentRuntimeClient({
    region: 'eu-west-1',
    endpoint: server.origin,
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  const context = nodeContext();
  context.ports.knowledge = makeKnowledge({ bases: { handbook: 'ABCDEFGHIJ' }, client });
  const outcome = await RETRIEVE.run(context, { source: 'handbook', query: 'holidays?', ...input } as never);
  return { outcome, asked: server.received.map(({ path, body }) => ({ path, body: JSON.parse(body) })) };
}

describe('a retrieve node', () => {
  test('gives the passages of the knowledge base with their score, address and metadata', async () => {
    const { outcome, asked } = await retrieve({});
    expect(outcome).toEqual({
      kind: 'done',
      result: {
        items: [
          { text: 'Holidays: 30 days.', score: 0.9, url: 's3://handbook/holidays.pdf', metadata: { year: 2025 } },
          { text: 'Parking is free.', score: 0.4, url: 'https://example.com/parking', metadata: {} },
        ],
      },
    });
    expect(asked).toEqual([
      {
        path: '/knowledgebases/ABCDEFGHIJ/retrieve',
        body: {
          retrievalQuery: { text: 'holidays?' },
          retrievalConfiguration: { vectorSearchConfiguration: { numberOfResults: 5 } },
        },
      },
    ]);
  });

  test('leaves out what fits less well than `minScore`', async () => {
    const { outcome } = await retrieve({ minScore: 0.5 });
    expect(outcome).toMatchObject({ result: { items: [{ score: 0.9 }] } });
  });

  test.each([
    [{ year: 2025 }, { equals: { key: 'year', value: 2025 } }],
    [{ team: ['hr', 'it'] }, { in: { key: 'team', value: ['hr', 'it'] } }],
    [
      { year: 2025, team: ['hr'] },
      { andAll: [{ equals: { key: 'year', value: 2025 } }, { in: { key: 'team', value: ['hr'] } }] },
    ],
  ])('searches only documents whose metadata fit the filter %j', async (filter, sent) => {
    const { asked } = await retrieve({ filter, topK: 7 });
    const configuration = asked[0]?.body.retrievalConfiguration.vectorSearchConfiguration;
    expect(configuration).toEqual({ numberOfResults: 7, filter: sent });
  });

  test.each([
    [429, 'ThrottlingException', true],
    [503, 'ServiceUnavailableException', true],
    [403, 'AccessDeniedException', false],
    [404, 'ResourceNotFoundException', false],
  ])('fails on %s %s, to be retried: %s', async (status, type, retryable) => {
    const { outcome } = await retrieve({}, { status, type, body: { message: 'No.' } });
    const message = expect.stringContaining(`'handbook' did not answer: ${type}: No.`);
    expect(outcome).toMatchObject({ kind: 'failed', code: 'node-failed', message, retryable });
  });

  test('says which knowledge bases there are where it names another, or that there are none', async () => {
    const { outcome, asked } = await retrieve({ source: 'constructor' });
    expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining('it has handbook') });
    expect(asked).toEqual([]);
    const nothing = await RETRIEVE.run(nodeContext(), { source: 'handbook', query: 'x' });
    expect(nothing).toMatchObject({ message: expect.stringContaining('it has none (stack option knowledgeBases)') });
  });

  test.each<JsonObject>([{ query: ' ' }, { topK: 101 }, { minScore: 2 }, { filter: { a: [] } }, { filter: { a: {} } }])(
    'refuses %j',
    async (wrong) => {
      const { outcome, asked } = await retrieve(wrong);
      expect(outcome).toMatchObject({ kind: 'failed', message: expect.stringContaining('Invalid input: with.') });
      expect(asked).toEqual([]);
    },
  );

  test('does not let data choose the knowledge base', () => {
    const accepts = (written: object) => RETRIEVE.with.safeParse({ query: '${{ $inputs.q }}', ...written }).success;
    expect(accepts({ source: 'handbook', topK: '${{ $inputs.n }}' })).toBe(true);
    expect(accepts({ source: 'a b' })).toBe(false);
    expect(accepts({ source: '${{ $inputs.base }}' })).toBe(false);
  });
});
